from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from api import wording
from api.schemas.base import RequestBody
from api.schemas.container_files import ContainerFileCreate
from api.schemas.containers import ContainerCreate
from api.schemas.shell_calls import ShellCallCreate
from api.schemas.uploads import UploadComplete
from runtime.errors import InvalidInput

BIG = "x" * (32 * 4096)
REFERENCE = {"type": "skill_reference", "skill_id": "s"}


def said(model: type[RequestBody], body: str | bytes) -> InvalidInput:
    """What is said of a body that is not acceptable."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate_json(body)
    return wording.refuse(caught.value)


@pytest.mark.parametrize(
    ("fields", "param", "code", "message"),
    [
        ({"name": None}, "name", "invalid_type", "Invalid type for 'name': expected a string, but got null instead."),
        (
            {"name": 5},
            "name",
            "invalid_type",
            "Invalid type for 'name': expected a string, but got an integer instead.",
        ),
        (
            {"name": 1.5},
            "name",
            "invalid_type",
            "Invalid type for 'name': expected a string, but got a decimal number instead.",
        ),
        (
            {"name": ["a"]},
            "name",
            "invalid_type",
            "Invalid type for 'name': expected a string, but got an array instead.",
        ),
        (
            {"name": {}},
            "name",
            "invalid_type",
            "Invalid type for 'name': expected a string, but got an object instead.",
        ),
        (
            {"name": ""},
            "name",
            "empty_string",
            "Invalid 'name': empty string. Expected a string with minimum length 1, but got an empty string instead.",
        ),
        (
            {"name": "n" * 257},
            "name",
            "string_above_max_length",
            "Invalid 'name': string too long. Expected a string with maximum length 256, "
            "but got a string with length 257 instead.",
        ),
        ({"name": "a\0"}, "name", "invalid_value", "Invalid 'name': it must not contain a null character."),
        ({"nam": 1}, "nam", "unknown_parameter", "Unknown parameter: 'nam'."),
        (
            {"memory_limit": "2g"},
            "memory_limit",
            "invalid_value",
            "Invalid value: '2g'. Supported values are: '1g', '4g', '16g', and '64g'.",
        ),
        (
            {"memory_limit": 4},
            "memory_limit",
            "invalid_type",
            "Invalid type for 'memory_limit': expected one of '1g', '4g', '16g', or '64g', but got an integer instead.",
        ),
        (
            {"expires_after": {"anchor": "last_active_at"}},
            "expires_after.minutes",
            "missing_required_parameter",
            "Missing required parameter: 'expires_after.minutes'.",
        ),
        (
            {"expires_after": {"anchor": "now", "minutes": 1}},
            "expires_after.anchor",
            "invalid_value",
            "Invalid value: 'now'. Supported values are: 'last_active_at'.",
        ),
        (
            {"expires_after": {"anchor": 3, "minutes": 1}},
            "expires_after.anchor",
            "invalid_type",
            "Invalid type for 'expires_after.anchor': expected 'last_active_at', but got an integer instead.",
        ),
        (
            {"expires_after": {"anchor": "last_active_at", "minutes": 0}},
            "expires_after.minutes",
            "integer_below_min_value",
            "Invalid 'expires_after.minutes': integer below minimum value. Expected a value >= 1, but got 0 instead.",
        ),
        (
            {"expires_after": {"anchor": "last_active_at", "minutes": "20"}},
            "expires_after.minutes",
            "invalid_type",
            "Invalid type for 'expires_after.minutes': expected an integer, but got a string instead.",
        ),
        (
            {"expires_after": {"anchor": "last_active_at", "minutes": 20.0}},
            "expires_after.minutes",
            "invalid_type",
            "Invalid type for 'expires_after.minutes': expected an integer, but got a decimal number instead.",
        ),
        (
            {"expires_after": {"anchor": "last_active_at", "minutes": True}},
            "expires_after.minutes",
            "invalid_type",
            "Invalid type for 'expires_after.minutes': expected an integer, but got a boolean instead.",
        ),
        (
            {"expires_after": 20},
            "expires_after",
            "invalid_type",
            "Invalid type for 'expires_after': expected an object, but got an integer instead.",
        ),
        (
            {"file_ids": ["f"] * 51},
            "file_ids",
            "array_above_max_length",
            "Invalid 'file_ids': array too long. Expected an array with maximum length 50, "
            "but got an array with length 51 instead.",
        ),
        (
            {"file_ids": ["f", 5]},
            "file_ids[1]",
            "invalid_type",
            "Invalid type for 'file_ids[1]': expected a string, but got an integer instead.",
        ),
        (
            {"network_policy": {}},
            "network_policy.type",
            "missing_required_parameter",
            "Missing required parameter: 'network_policy.type'.",
        ),
        (
            {"network_policy": {"type": "open"}},
            "network_policy.type",
            "invalid_value",
            "Invalid value: 'open'. Supported values are: 'disabled', and 'allowlist'.",
        ),
        (
            {"network_policy": {"type": "disabled", "allowed_domains": ["a"]}},
            "network_policy.allowed_domains",
            "unknown_parameter",
            "Unknown parameter: 'network_policy.allowed_domains'.",
        ),
        (
            {"network_policy": {"type": "allowlist", "allowed_domains": []}},
            "network_policy.allowed_domains",
            "empty_array",
            "Invalid 'network_policy.allowed_domains': empty array. Expected an array with minimum length 1, "
            "but got an empty array instead.",
        ),
        (
            {"network_policy": {"type": "allowlist", "allowed_domains": ["a"], "domain_secrets": [{"domain": "a"}]}},
            "network_policy.domain_secrets[0].name",
            "missing_required_parameter",
            "Missing required parameter: 'network_policy.domain_secrets[0].name'.",
        ),
        (
            {"skills": [REFERENCE, {**REFERENCE, "skill_id": ""}]},
            "skills[1].skill_id",
            "empty_string",
            "Invalid 'skills[1].skill_id': empty string. Expected a string with minimum length 1, "
            "but got an empty string instead.",
        ),
        (
            {"skills": [{"type": "inline", "name": "n", "description": "d", "source": {"type": "base64"}}]},
            "skills[0].source.media_type",
            "missing_required_parameter",
            "Missing required parameter: 'skills[0].source.media_type'.",
        ),
        (
            {"skills": [{**REFERENCE, "inline": 1}]},
            "skills[0].inline",
            "unknown_parameter",
            "Unknown parameter: 'skills[0].inline'.",
        ),
    ],
)
def test_container(fields: dict[str, Any], param: str, code: str, message: str) -> None:
    """What is wrong with the body of a create is said in OpenAI's words, with the path of the field at fault."""
    error = said(ContainerCreate, json.dumps({"name": "n"} | fields))
    assert (error.param, error.code, error.message) == (param, code, message)


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"commands": []}, "commands", "empty_array"),
        ({"commands": "ls"}, "commands", "invalid_type"),
        ({"commands": [""]}, "commands[0]", "empty_string"),
        ({"commands": ["ls", "a\0b"]}, "commands[1]", "invalid_value"),
        ({"commands": [BIG]}, "commands[0]", "invalid_value"),
        ({"commands": ["ls"] * 33}, "commands", "array_above_max_length"),
        ({"timeout_ms": 0}, "timeout_ms", "integer_below_min_value"),
        ({"timeout_ms": 10**30}, "timeout_ms", "integer_above_max_value"),
        ({"timeout_ms": 1e3}, "timeout_ms", "invalid_type"),
        ({"max_output_length": 0}, "max_output_length", "integer_below_min_value"),
        ({"max_output_length": 10_485_761}, "max_output_length", "integer_above_max_value"),
        ({"working_directory": "tmp"}, "working_directory", "invalid_value"),
        ({"working_directory": ""}, "working_directory", "invalid_value"),
        ({"working_directory": "/a\0"}, "working_directory", "invalid_value"),
        ({"working_directory": "/" + "a" * 4096}, "working_directory", "invalid_value"),
        ({"env": {"A=B": "c"}}, "env.A=B", "invalid_value"),
        ({"env": {"": "c"}}, "env.", "invalid_value"),
        ({"env": {"A\n": "c"}}, "env.A\n", "invalid_value"),
        ({"env": {"A": 1}}, "env.A", "invalid_type"),
        ({"env": {"A": "\0"}}, "env.A", "invalid_value"),
        ({"env": {"A": BIG}}, "env.A", "invalid_value"),
        ({"env": {f"A{n}": BIG[:-9] for n in range(9)}}, "env", "invalid_value"),
        ({"env": ["A=1"]}, "env", "invalid_type"),
        ({"stdin": 5}, "stdin", "invalid_type"),
        ({"stream": 1}, "stream", "invalid_type"),
        ({"background": "yes"}, "background", "invalid_type"),
        ({"shell": "zsh"}, "shell", "unknown_parameter"),
    ],
)
def test_shell_call(fields: dict[str, Any], param: str, code: str) -> None:
    """Each field of a shell call has its bounds, and says which one it is."""
    error = said(ShellCallCreate, json.dumps({"commands": ["ls"]} | fields))
    assert (error.param, error.code) == (param, code)
    assert f"'{param}'" in error.message


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"nonsense", b'{"file_id": "\\ud800"}', b'{"file_id": "\xff"}', b"[" * 100_000, b'{"file_id": NaN'],
)
def test_not_json(body: bytes) -> None:
    """What is not JSON, lone surrogates and broken UTF-8 included, is said to be that."""
    error = said(ContainerFileCreate, body)
    assert (error.param, error.code) == (None, "invalid_json")
    assert error.message.startswith("We could not parse the JSON body of your request.")


@pytest.mark.parametrize(
    ("body", "what"), [("[]", "an array"), ("null", "null"), ('"a"', "a string"), ("5", "an integer")]
)
def test_not_an_object(body: str, what: str) -> None:
    """A body has to be an object."""
    error = said(ContainerFileCreate, body)
    assert error.message == f"Invalid request body: expected an object, but got {what} instead."
    assert (error.param, error.code) == (None, "invalid_type")


def test_only_the_first() -> None:
    """Of several faults, one is named: OpenAI's envelope has room for one."""
    error = said(ContainerCreate, '{"memory_limit": "2g", "other": 1}')
    assert error.message == "Missing required parameter: 'name'."


def test_above_maximum() -> None:
    """A maximum that only the settings know is worded like the others."""
    error = wording.above_maximum("n", 20, 50)
    assert error.message == "Invalid 'n': integer above maximum value. Expected a value <= 20, but got 50 instead."
    assert (error.param, error.code) == ("n", "integer_above_max_value")


@pytest.mark.parametrize(
    ("model", "body", "message"),
    [
        (UploadComplete, {"part_ids": ["a"], "md5": "x"}, "Invalid 'md5': it must be 32 hexadecimal digits."),
        (
            ShellCallCreate,
            {"commands": ["a"], "env": {"A=B": "c"}},
            "Invalid 'env.A=B': the name of a variable has letters, digits and underscores, "
            "and doesn't begin with a digit.",
        ),
    ],
)
def test_forms_of_texts(model: type[RequestBody], body: dict[str, Any], message: str) -> None:
    """What form a text must have is said in words, not as a pattern."""
    assert said(model, json.dumps(body)).message == message
