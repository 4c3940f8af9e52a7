"""Which methods the official clients have, and which test calls each: the table in docs/compatibility.md.

`python -m tests.sdk.table` writes it anew.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from pathlib import Path

import openai

from tests.nodejs import run_node
from tests.sdk.methods import sdk_methods
from tests.service import ROOT

PAGE = ROOT / "docs" / "compatibility.md"
BEGIN = "<!-- The table is made by `python -m tests.sdk.table`; a test holds that it is current. -->\n"
END = "<!-- The end of the table. -->\n"
UNTESTED = "**none**"

PYTHON_TESTS = "tests/conformance/test_sdk_methods.py"
NODE_TESTS = "tests/node/every_method.mjs"


def table() -> str:
    """A row for each method of either client, by the Python client's name where that has it."""
    with openai.OpenAI(base_url="http://127.0.0.1", api_key="none") as client:
        python = {method.path: method.route for method in sdk_methods(client)}
    node = {_in_python(path) for path in json.loads(run_node("print_sdk_methods.mjs"))}
    python_tests, node_tests = _python_tests(), _node_tests()
    rows = ["| method | request | with Python | with Node |", "|---|---|---|---|"]
    for path in [*python, *sorted(node - python.keys())]:
        method, _, route = (python.get(path) or "").partition(" ")
        cells = [
            f"`{path}`",
            f"`{method} /v1{route}`" if route else "those of other methods",
            _test(path, python_tests, PYTHON_TESTS) if path in python else "",
            _test(path, node_tests, NODE_TESTS) if path in node else "",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join([*rows, ""])


def written() -> str:
    """The page with the table as it would be now."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    return before + BEGIN + "\n" + table() + "\n" + END + rest.partition(END)[2]


def _python_tests() -> dict[str, str]:
    """The first test that calls each method, by the method's path."""
    found: dict[str, str] = {}
    for test in ast.parse((ROOT / PYTHON_TESTS).read_text()).body:
        if isinstance(test, ast.FunctionDef) and test.name.startswith("test_"):
            for call in (ast.unparse(node.func) for node in ast.walk(test) if isinstance(node, ast.Call)):
                found.setdefault(call.removeprefix("client."), test.name.removeprefix("test_").replace("_", " "))
    return found


def _node_tests() -> dict[str, str]:
    found: dict[str, str] = {}
    for test in re.split(r'^test\("', (ROOT / NODE_TESTS).read_text(), flags=re.MULTILINE)[1:]:
        for call in re.findall(r"\bclient\.([\w.]+)\(", test):
            found.setdefault(_in_python(call), test.partition('"')[0])
    return found


def _in_python(path: str) -> str:
    """A method of the Node client as the Python client spells it."""
    return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", path)


def _test(path: str, tests: Mapping[str, str], file: str) -> str:
    return f"[{tests[path]}]({Path('..') / file})" if path in tests else UNTESTED


if __name__ == "__main__":
    PAGE.write_text(written())
