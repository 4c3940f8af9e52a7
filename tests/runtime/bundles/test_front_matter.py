"""The head of a SKILL.md: what is a skill's name and description, and what is refused."""

from __future__ import annotations

import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.bundles.front_matter import FrontMatter, read_front_matter
from runtime.bundles.limits import MAX_FRONT_MATTER_BYTES
from runtime.errors import InvalidInput


def _read(skill_md: bytes) -> FrontMatter:
    return read_front_matter(io.BytesIO(skill_md))


@pytest.mark.parametrize(
    "skill_md",
    [
        b"---\nname: a\ndescription: b\n---\n",
        b"---\nname: a\ndescription: b\n---",
        b"\xef\xbb\xbf---\r\nname: a\r\ndescription: b\r\n---\r\nText\r\n",
        b"--- \nname: ' a '\ndescription: >\n  b\n---\t\n---\n",
        b'---\nlicense: MIT\nmetadata: {version: 1.0, tags: [x, y]}\ndescription: "b"\nname: |\n  a\n---\n\xff',
        b"---\nname: a\ndescription: b\nreleased: 2024-99-99\nx: " + b"1" * 10_000 + b"\n---\n",
        b"---\nname: a\ndescription: b\n? [x]\n: y\n---\n",
    ],
)
def test_taken(skill_md: bytes) -> None:
    """A mapping with two texts, in any of YAML's notations, on any system's lines; other keys may be anything."""
    assert _read(skill_md) == FrontMatter("a", "b")


@pytest.mark.parametrize(
    ("skill_md", "says"),
    [
        (b"", "no front matter"),
        (b"\n---\nname: a\n---\n", "no front matter"),
        (b"----\nname: a\n----\n", "no front matter"),
        (b"---\n", "no end"),
        (b"---\nname: a\n --- \n", "no end"),
        (b"---\nname: a\n" + b"#" * MAX_FRONT_MATTER_BYTES + b"\n---\n", f"first {MAX_FRONT_MATTER_BYTES} bytes"),
        (b"---\nname: \xff\n---\n", "not UTF-8"),
        (b"---\n---\n", "not a mapping"),
        (b"---\n- name\n---\n", "not a mapping"),
        (b"---\njust text\n---\n", "not a mapping"),
        (b"---\nname: a: b\n---\n", "mapping values are not allowed in this context (line 2)"),
        (b"---\nname: a\n...\nname: b\n---\n", "not valid YAML"),
        (b"---\nname: \0\n---\n", "not valid YAML"),
        (b'---\nname: "\\UFFFFFFFF"\n---\n', "not valid YAML"),
        (b"---\nname: a\nname: b\n---\n", "'name' twice"),
        (b"---\ndescription: b\n---\n", "no 'name'"),
        (b"---\nname: a\n---\n", "no 'description'"),
        (b"---\nname: 1\ndescription: b\n---\n", "'name' is not a text"),
        (b"---\nname:\ndescription: b\n---\n", "'name' is not a text"),
        (b"---\nname: yes\ndescription: b\n---\n", "'name' is not a text"),
        (b"---\nname: [a]\ndescription: b\n---\n", "'name' is not a text"),
        (b"---\nname: a\ndescription: {b: c}\n---\n", "'description' is not a text"),
        (b"---\nname: ''\ndescription: b\n---\n", "0 characters"),
        (b"---\nname: ' '\ndescription: b\n---\n", "0 characters"),
        (b'---\nname: "a\\0"\ndescription: b\n---\n', "NUL"),
        (b'---\nname: "\\ud800"\ndescription: b\n---\n', "not valid YAML"),
        (b"---\nname: &x a\ndescription: b\n---\n", "anchors"),
        (b"---\nname: a\ndescription: *x\n---\n", "anchors"),
        (b"---\nname: *\ndescription: b\n---\n", "not valid YAML"),
    ],
)
def test_refused(skill_md: bytes, says: str) -> None:
    """What is wrong is said in plain words, with the line where YAML knows it."""
    with pytest.raises(InvalidInput) as refused:
        _read(skill_md)
    assert says in refused.value.message


@pytest.mark.parametrize(("key", "limit"), [("name", 64), ("description", 1024)])
def test_lengths(key: str, limit: int) -> None:
    """A text may have as many characters as its limit says, of any size, and not one more."""
    other = {"name": "description", "description": "name"}[key]
    assert len(getattr(_read(f"---\n{other}: x\n{key}: {'é' * limit}\n---\n".encode()), key)) == limit
    with pytest.raises(InvalidInput, match=f"needs 1 to {limit}"):
        _read(f"---\n{other}: x\n{key}: {'é' * (limit + 1)}\n---\n".encode())


@pytest.mark.parametrize(("depth", "taken"), [(15, True), (16, False)])
def test_depth(depth: int, taken: bool) -> None:
    """The mapping itself and 15 levels in it are enough for anybody."""
    skill_md = f"---\nname: a\ndescription: b\nx: {'[' * depth}{']' * depth}\n---\n".encode()
    if taken:
        assert _read(skill_md) == FrontMatter("a", "b")
    else:
        with pytest.raises(InvalidInput, match="levels deep"):
            _read(skill_md)


def test_size() -> None:
    """The front matter may be as long as its limit says with both lines of dashes, and not a byte more."""
    start, end = b"---\nname: a\ndescription: b\n#", b"\n---"
    longest = start + b"x" * (MAX_FRONT_MATTER_BYTES - len(start + end) - 1) + end + b"\n"
    assert len(longest) == MAX_FRONT_MATTER_BYTES
    assert _read(longest + b"and text").name == "a"
    with pytest.raises(InvalidInput, match="no end"):
        _read(longest.replace(b"#", b"####"))


@given(st.one_of(st.binary(), st.text("[]{}:,-?!&*|>'\"%@`#\\ \n\tax01.<~").map(str.encode)))
def test_anything_else(middle: bytes) -> None:
    """Whatever is between the dashes is a front matter or is refused: nothing else is raised."""
    with suppress(InvalidInput):
        _read(b"---\nname: a\ndescription: b\n" + middle + b"\n---\n")
