from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\|(?! \| promise |---).*", re.MULTILINE)
PROMISE = re.compile(r"^\| ([A-Z]\d+) \| .+ \| \[(.+)\]\((tests/\S+\.py)\) \|$", re.MULTILINE)
TEST = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)
FOLDERS = ("conformance", "security", "chaos", "egress")


def promises() -> list[tuple[str, str, str]]:
    """Number, test's name and test's file of each promise."""
    return [
        (number, f"test_{name.replace(' ', '_')}", file)
        for number, name, file in PROMISE.findall((ROOT / "SPECIFICATION.md").read_text())
    ]


def functions_in(file: Path) -> set[str]:
    """The names of the test functions in a file."""
    return set(TEST.findall(file.read_text()))


def test_every_promise_has_its_test() -> None:
    """Each line of the specification is a promise that names a test that exists, and numbers are given once."""
    specification = (ROOT / "SPECIFICATION.md").read_text()
    assert [row for row in ROW.findall(specification) if not PROMISE.fullmatch(row)] == []
    found = promises()
    assert len({number for number, _, _ in found}) == len(found)
    assert [(name, file) for _, name, file in found if name not in functions_in(ROOT / file)] == []


def test_every_test_is_of_a_promise() -> None:
    """Each test of what users see stands in the specification."""
    held = {(file, name) for _, name, file in promises()}
    files = [file for folder in FOLDERS for file in (ROOT / "tests" / folder).glob("test_*.py")]
    tests = {(str(file.relative_to(ROOT)), name) for file in files for name in functions_in(file)}
    assert sorted(tests - held) == []


@pytest.mark.parametrize(
    ("page", "example"),
    [("README.md", "first_program.py"), ("docs/skills.md", "skills.py"), ("docs/shell-calls.md", "stream.py")],
)
def test_the_pages_have_the_examples_as_they_are(page: str, example: str) -> None:
    """The programs on the pages are those that the tests run."""
    program = (ROOT / "docs" / "examples" / example).read_text()
    assert f"```python\n{program}```" in (ROOT / page).read_text()
