from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.envelope import refusal
from tests.memory import MIB, growth
from tests.service import Service
from tests.shell import stdout

pytestmark = pytest.mark.usefixtures("nothing_made")

JSON = {"content-type": "application/json"}

MALFORMED = [
    b"",
    b"{",
    b"{'name': 'x'}",
    b'{"name": "x",}',
    b'{"name": "\xff"}',
    b'{"name": "\\ud800"}',
    b'{"name": "x"} trailing',
    b"[" * 100_000,
    b"\x00",
    '{"name": "x"}'.encode("utf-16"),
]

# A body of POST /containers, and the param and code of what is wrong with it.
CREATES: list[tuple[Any, str | None, str]] = [
    (None, None, "invalid_type"),
    ([], None, "invalid_type"),
    ("name", None, "invalid_type"),
    (1, None, "invalid_type"),
    ({}, "name", "missing_required_parameter"),
    ({"name": None}, "name", "invalid_type"),
    ({"name": 1}, "name", "invalid_type"),
    ({"name": ["x"]}, "name", "invalid_type"),
    ({"name": ""}, "name", "empty_string"),
    ({"name": "x" * 257}, "name", "string_above_max_length"),
    ({"name": "a\0b"}, "name", "invalid_value"),
    ({"name": "x", "nmae": "x"}, "nmae", "unknown_parameter"),
    ({"name": "x", "id": "cntr_" + "0" * 48}, "id", "unknown_parameter"),
    ({"name": "x", "status": "running"}, "status", "unknown_parameter"),
    ({"name": "x", "memory_limit": "2g"}, "memory_limit", "invalid_value"),
    ({"name": "x", "memory_limit": "1G"}, "memory_limit", "invalid_value"),
    ({"name": "x", "memory_limit": ""}, "memory_limit", "invalid_value"),
    ({"name": "x", "memory_limit": 1}, "memory_limit", "invalid_type"),
    ({"name": "x", "memory_limit": {"gib": 1}}, "memory_limit", "invalid_type"),
    ({"name": "x", "expires_after": 20}, "expires_after", "invalid_type"),
    ({"name": "x", "expires_after": {}}, "expires_after.anchor", "missing_required_parameter"),
    ({"name": "x", "expires_after": {"anchor": "created_at", "minutes": 1}}, "expires_after.anchor", "invalid_value"),
    (
        {"name": "x", "expires_after": {"anchor": "last_active_at"}},
        "expires_after.minutes",
        "missing_required_parameter",
    ),
    *(
        (
            {"name": "x", "expires_after": {"anchor": "last_active_at", "minutes": minutes}},
            "expires_after.minutes",
            code,
        )
        for minutes, code in [
            (0, "integer_below_min_value"),
            (-1, "integer_below_min_value"),
            (1441, "integer_above_max_value"),
            (10**30, "integer_above_max_value"),
            (1.5, "invalid_type"),
            ("1", "invalid_type"),
            (True, "invalid_type"),
            (None, "invalid_type"),
        ]
    ),
    (
        {"name": "x", "expires_after": {"anchor": "last_active_at", "minutes": 1, "hours": 1}},
        "expires_after.hours",
        "unknown_parameter",
    ),
    ({"name": "x", "file_ids": "file-1"}, "file_ids", "invalid_type"),
    ({"name": "x", "file_ids": [1]}, "file_ids[0]", "invalid_type"),
    ({"name": "x", "file_ids": ["file-1"] * 51}, "file_ids", "array_above_max_length"),
    (
        {"name": "x", "skills": [{"type": "skill_reference", "skill_id": "skill_1", "version": "newest"}]},
        "skills[0].version",
        "invalid_value",
    ),
    ({"name": "x", "skills": [{"type": "skill_reference"}]}, "skills[0].skill_id", "missing_required_parameter"),
    ({"name": "x", "skills": [{"type": "magic"}]}, "skills[0].type", "invalid_value"),
    ({"name": "x", "skills": [{}]}, "skills[0].type", "missing_required_parameter"),
    (
        {"name": "x", "network_policy": {"type": "allowlist"}},
        "network_policy.allowed_domains",
        "missing_required_parameter",
    ),
    (
        {"name": "x", "network_policy": {"type": "allowlist", "allowed_domains": []}},
        "network_policy.allowed_domains",
        "empty_array",
    ),
    ({"name": "x", "network_policy": {"type": "open"}}, "network_policy.type", "invalid_value"),
    ({"name": "x", "network_policy": {}}, "network_policy.type", "missing_required_parameter"),
    ({"name": "x", "network_policy": "disabled"}, "network_policy", "invalid_type"),
    (
        {"name": "x", "network_policy": {"type": "disabled", "allowed_domains": ["example.com"]}},
        "network_policy.allowed_domains",
        "unknown_parameter",
    ),
]

# The fields of a shell call beside a good `commands`, and the param and code of what is wrong with them.
CALLS: list[tuple[dict[str, Any], str, str]] = [
    ({"commands": None}, "commands", "invalid_type"),
    ({"commands": "true"}, "commands", "invalid_type"),
    ({"commands": []}, "commands", "empty_array"),
    ({"commands": ["true"] * 33}, "commands", "array_above_max_length"),
    ({"commands": ["true", 1]}, "commands[1]", "invalid_type"),
    ({"commands": [["true"]]}, "commands[0]", "invalid_type"),
    ({"commands": [""]}, "commands[0]", "empty_string"),
    ({"commands": ["a\0b"]}, "commands[0]", "invalid_value"),
    ({"commands": ["x" * 131_072]}, "commands[0]", "invalid_value"),
    ({"command": ["true"]}, "command", "unknown_parameter"),
    ({"timeout_ms": 0}, "timeout_ms", "integer_below_min_value"),
    ({"timeout_ms": -1}, "timeout_ms", "integer_below_min_value"),
    ({"timeout_ms": 86_400_001}, "timeout_ms", "integer_above_max_value"),
    ({"timeout_ms": 10**40}, "timeout_ms", "integer_above_max_value"),
    ({"timeout_ms": "1000"}, "timeout_ms", "invalid_type"),
    ({"timeout_ms": 0.5}, "timeout_ms", "invalid_type"),
    ({"max_output_length": 0}, "max_output_length", "integer_below_min_value"),
    ({"max_output_length": 10_485_761}, "max_output_length", "integer_above_max_value"),
    ({"max_output_length": True}, "max_output_length", "invalid_type"),
    ({"working_directory": "relative"}, "working_directory", "invalid_value"),
    ({"working_directory": ""}, "working_directory", "invalid_value"),
    ({"working_directory": "/a\0b"}, "working_directory", "invalid_value"),
    ({"working_directory": "/" + "x" * 4096}, "working_directory", "invalid_value"),
    ({"working_directory": 1}, "working_directory", "invalid_type"),
    ({"env": []}, "env", "invalid_type"),
    ({"env": {"A": 1}}, "env.A", "invalid_type"),
    ({"env": {"A": None}}, "env.A", "invalid_type"),
    ({"env": {"A": "a\0b"}}, "env.A", "invalid_value"),
    ({"env": {"A": "x" * 131_072}}, "env.A", "invalid_value"),
    ({"env": {f"A{n}": "x" * 100_000 for n in range(11)}}, "env", "invalid_value"),
    ({"stdin": 1}, "stdin", "invalid_type"),
    ({"stdin": ["x"]}, "stdin", "invalid_type"),
    ({"stream": "true"}, "stream", "invalid_type"),
    ({"stream": 1}, "stream", "invalid_type"),
    ({"background": "yes"}, "background", "invalid_type"),
    ({"user": "root"}, "user", "unknown_parameter"),
]


@pytest.mark.parametrize("body", MALFORMED, ids=repr)
@pytest.mark.parametrize("route", ["/containers", "/containers/{}/shell_calls", "/containers/{}/files"])
def test_malformed_json_is_refused(http: httpx.Client, shared: str, route: str, body: bytes) -> None:
    """A body that is not JSON is a 400 that says so."""
    response = http.post(route.format(shared), content=body, headers=JSON)
    error = refusal(response, 400)
    assert (error["param"], error["code"]) == (None, "invalid_json")
    assert "could not parse the JSON body" in error["message"]


@pytest.mark.parametrize(("body", "param", "code"), CREATES, ids=lambda value: repr(value)[:60])
def test_a_bad_create_names_its_field(http: httpx.Client, body: Any, param: str | None, code: str) -> None:
    """Whatever is wrong with a create is a 400 with the path of the field and OpenAI's code, and makes nothing."""
    error = refusal(http.post("/containers", content=json.dumps(body), headers=JSON), 400)
    assert (error["param"], error["code"]) == (param, code)


@pytest.mark.parametrize(("fields", "param", "code"), CALLS, ids=lambda value: repr(value)[:60])
def test_a_bad_call_names_its_field(
    http: httpx.Client, shared: str, fields: dict[str, Any], param: str, code: str
) -> None:
    """Whatever is wrong with a shell call is a 400 with the path of the field and OpenAI's code, and runs nothing."""
    body = {"commands": ["touch /tmp/ran"], **fields}
    error = refusal(http.post(f"/containers/{shared}/shell_calls", json=body), 400)
    assert (error["param"], error["code"]) == (param, code)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = {
    "/containers": ["name", "file_ids", "expires_after", "skills", "memory_limit", "network_policy"],
    "/containers/{}/shell_calls": ["commands", "timeout_ms", "working_directory", "env", "stdin", "stream"],
    "/containers/{}/files": ["file_id"],
}


@pytest.mark.parametrize("route", FIELDS)
def test_no_json_at_all_is_a_crash(http: httpx.Client, shared: str, route: str) -> None:
    """Whatever values the fields have, a body with a wrong one is a 400 in the envelope, never a 500."""

    @settings(max_examples=60, database=None)
    @given(st.dictionaries(st.sampled_from(FIELDS[route]), ANY_JSON))
    def send(body: dict[str, Any]) -> None:
        wrong = json.dumps({**body, "no such field": 1})
        assert refusal(http.post(route.format(shared), content=wrong, headers=JSON), 400)["code"]

    send()


@pytest.mark.parametrize(
    ("start", "one", "end"),
    [
        ('{"name": "x", "network_policy": {"type": "allowlist", "domain_secrets": [', "{},", "{}]}}"),
        ('{"name": "x", "file_ids": [', '"",', '""]}'),
        ('{"name": "x"', ',"y":1', "}"),
        ('{"name": "x", "skills": ["', '\\",",","', '"]}'),
    ],
    ids=["secrets", "texts", "fields", "texts with quotes and commas"],
)
def test_a_body_of_too_many_values_is_refused(
    service: Service, http: httpx.Client, start: str, one: str, end: str
) -> None:
    """What is wrong with millions of values is said of none of them: such a body is a 400, and takes little memory."""
    body = start + one * 1_000_000 + end
    with growth(service.pid, "a body of a million values") as grown:
        assert refusal(http.post("/containers", content=body, headers=JSON), 400)["code"] == "too_many_values"
    assert grown() < 100 * MIB


def test_text_with_many_commas_is_no_list(http: httpx.Client, shared: str) -> None:
    """A table of a hundred thousand fields comes in as one text."""
    table = 'a,"b, c"\n' * 50_000
    assert stdout(http, shared, "sort -u", stdin=table) == 'a,"b, c"\n'


@pytest.mark.parametrize("name", ["", "1A", "A=B", "A B", "Ä", "A\0", "A\n", "x" * 257])
def test_a_bad_variable_is_refused(http: httpx.Client, shared: str, name: str) -> None:
    """A name that no environment variable can have is refused, and the field is named."""
    body = {"commands": ["touch /tmp/ran"], "env": {name: "x"}}
    error = refusal(http.post(f"/containers/{shared}/shell_calls", json=body), 400)
    assert error["param"] == f"env.{name}"


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "application/xml", "\xff"],
)
@pytest.mark.parametrize("route", ["/containers", "/containers/{}/shell_calls", "/containers/{}/files"])
def test_another_content_type_is_refused(http: httpx.Client, shared: str, route: str, content_type: str | None) -> None:
    """A body that does not say that it is of the right type is a 400, whatever is in it."""
    headers: dict[bytes, bytes] = {} if content_type is None else {b"content-type": content_type.encode("latin-1")}
    body = b'{"name": "x", "commands": ["touch /tmp/ran"]}'
    error = refusal(http.post(route.format(shared), content=body, headers=headers), 400)
    assert error["code"] == "unsupported_content_type"
