from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Literal

import pytest
from pydantic import ValidationError

from api import wording
from api.pagination import ListObject
from api.schemas.base import RequestBody
from api.schemas.container_files import ContainerFileObject
from api.schemas.containers import ContainerCreate, ContainerObject
from api.schemas.egress import EgressObject
from api.schemas.shell_calls import ShellCallCreate
from api.schemas.uploads import UploadComplete
from runtime.errors import InvalidInput
from runtime.network_values import (
    DomainSecret,
    EgressRecord,
    NetworkPolicy,
    Reason,
    SecretName,
    Verdict,
    WantedNetwork,
)
from runtime.skill_values import InlineSkill, SkillReference
from runtime.values import (
    Container,
    ContainerFile,
    ContainerSpec,
    ContainerStatus,
    FileSource,
    MemoryLimit,
    Page,
)

CONTAINER = Container("cntr_1", "key_1", "n", ContainerStatus.RUNNING, 1, 2, MemoryLimit.GIB_4, 20)


REFERENCE = {"type": "skill_reference", "skill_id": "s"}


def inline(data: str) -> dict[str, Any]:
    """An inline skill with that data."""
    source = {"type": "base64", "media_type": "application/zip", "data": data}
    return {"type": "inline", "name": "My skill", "description": "It's mine.", "source": source}


def create(**fields: Any) -> ContainerCreate:
    """A create request with these fields, as it comes in."""
    return ContainerCreate.model_validate_json(json.dumps({"name": "n"} | fields))


def test_container_object() -> None:
    """A container has OpenAI's fields, and neither its owner nor anything else."""
    assert json.loads(ContainerObject.of(CONTAINER).model_dump_json()) == {
        "id": "cntr_1",
        "object": "container",
        "created_at": 1,
        "status": "running",
        "expires_after": {"anchor": "last_active_at", "minutes": 20},
        "last_active_at": 2,
        "memory_limit": "4g",
        "network_policy": {"type": "disabled"},
        "name": "n",
    }


def test_create_defaults() -> None:
    """Only the name has to be given; what is empty counts as not given."""
    spec = ContainerSpec("n", MemoryLimit.GIB_1, 20, [], [])
    assert create().to_spec(1440) == spec
    assert create(file_ids=[], skills=[], network_policy={"type": "disabled"}).to_spec(1440) == spec


def test_create_chosen() -> None:
    """What is asked for is what the runtime is asked for."""
    wanted = create(
        memory_limit="16g", expires_after={"anchor": "last_active_at", "minutes": 1440}, file_ids=["b", "a"]
    )
    assert wanted.to_spec(1440) == ContainerSpec("n", MemoryLimit.GIB_16, 1440, ["b", "a"], [])


@pytest.mark.parametrize(
    ("version", "meant"), [(None, None), ("latest", "latest"), ("1", 1), (7, 7), ("9" * 18, 10**18 - 1)]
)
def test_version_of_a_skill(version: str | int | None, meant: int | Literal["latest"] | None) -> None:
    """A version is its number, as a string or an integer, or `latest`, or the default one."""
    (skill,) = create(skills=[{**REFERENCE, "version": version}]).to_spec(1440).skills
    assert skill == SkillReference("s", meant)


@pytest.mark.parametrize(
    "version", ["", "0", "01", "-1", "1.0", " 1", "1\n", "٣", "Latest", 0, -1, 1.0, True, [], {}, "1" * 19, 10**18]
)
def test_no_version_of_a_skill(version: Any) -> None:
    """Whatever else stands there is refused."""
    with pytest.raises(ValidationError) as caught:
        create(skills=[REFERENCE, {**REFERENCE, "version": version}])
    assert wording.refuse(caught.value).param == "skills[1].version"


def test_inline_skill() -> None:
    """A skill that comes with the request comes out of its Base64."""
    (skill,) = create(skills=[inline("UEsFBg==")]).to_spec(1440).skills
    assert skill == InlineSkill("My skill", b"PK\5\6")


@pytest.mark.parametrize(
    "data", ["UEsFBg", "UEsFBg=", "UEs FBg==", "UEsFBg==\n", "UEsFBg==UEsFBg==", "====", "UEs-Bg==", "ü", "\0"]
)
def test_no_base64(data: str) -> None:
    """Anything that isn't exactly Base64 is refused, and so is nothing."""
    with pytest.raises(ValidationError) as caught:
        create(skills=[inline(data)])
    refused = wording.refuse(caught.value)
    assert (refused.param, refused.code) == ("skills[0].source.data", "invalid_value")
    assert "Base64" in refused.message


def test_default_within_maximum() -> None:
    """Where the operator allows less than OpenAI's default, the default is what is allowed."""
    assert create().to_spec(5).expires_after_minutes == 5


def test_above_the_maximum() -> None:
    """What the operator doesn't allow is refused by name, never made less."""
    with pytest.raises(InvalidInput) as caught:
        create(expires_after={"anchor": "last_active_at", "minutes": 61}).to_spec(60)
    assert (caught.value.param, caught.value.code) == ("expires_after.minutes", "integer_above_max_value")
    assert "expires_after.minutes" in caught.value.message


@pytest.mark.parametrize(
    ("model", "start", "end"),
    [
        (ContainerCreate, '{"network_policy": {"type": "allowlist", "allowed_domains": [', "]}}"),
        (ContainerCreate, '{"network_policy": {"type": "allowlist", "domain_secrets": [', "]}}"),
        (ContainerCreate, '{"file_ids": [', "]}"),
        (ContainerCreate, '{"skills": [', "]}"),
        (UploadComplete, '{"part_ids": [', "]}"),
    ],
)
def test_thousands_of_wrong_values(model: type[RequestBody], start: str, end: str) -> None:
    """As what is wrong first is all that is said, nothing is kept of what is wrong with all the others."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate_json(f"{start}{','.join(['{}'] * 10_000)}{end}")
    assert caught.value.error_count() < 1000


def test_network() -> None:
    """What is to be reached goes on as it was written, with the secrets; nothing shows their values."""
    secret = {"domain": "API.example.com", "name": "KEY", "value": "very secret"}
    policy = {"type": "allowlist", "allowed_domains": ["API.example.com"], "domain_secrets": [secret]}
    asked = create(network_policy=policy)
    spec = asked.to_spec(1440)
    assert spec.network == WantedNetwork(["API.example.com"], [DomainSecret("API.example.com", "KEY", "very secret")])
    assert "very secret" not in repr(asked) + repr(spec)


def test_container_with_a_network() -> None:
    """Its policy has the domains, and nothing of the secrets."""
    network = NetworkPolicy(("api.example.com", "*.example.org"), (SecretName("api.example.com", "KEY"),))
    shown = json.loads(ContainerObject.of(replace(CONTAINER, network=network)).model_dump_json())
    assert shown["network_policy"] == {"type": "allowlist", "allowed_domains": ["api.example.com", "*.example.org"]}


def test_egress_object() -> None:
    """A record says all that is known of it, and of which container it is."""
    record = EgressRecord("egr_1", 1, "a.example.com", None, None, Verdict.DENIED, Reason.NOT_ALLOWED, 2, 3)
    assert json.loads(EgressObject.of("cntr_1", record).model_dump_json()) == {
        "id": "egr_1",
        "object": "container.egress",
        "container_id": "cntr_1",
        "created_at": 1,
        "host": "a.example.com",
        "port": None,
        "address": None,
        "verdict": "denied",
        "reason": "not_allowed",
        "bytes_sent": 2,
        "bytes_received": 3,
    }


def test_list_object() -> None:
    """A list names its first and last object, or null when it is empty."""
    full = ListObject.of(Page([CONTAINER], has_more=True), ContainerObject.of)
    assert (full.object, full.first_id, full.last_id, full.has_more) == ("list", "cntr_1", "cntr_1", True)
    empty = ListObject.of(Page([], has_more=False), ContainerObject.of)
    assert empty.model_dump() == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


def test_file_object() -> None:
    """A file's path is text whatever bytes it has."""
    file = ContainerFile("cfile_1", "cntr_1", "/mnt/data/ü\n".encode() + b"\xff", 3, 1, FileSource.ASSISTANT)
    assert json.loads(ContainerFileObject.of(file).model_dump_json()) == {
        "id": "cfile_1",
        "object": "container.file",
        "created_at": 1,
        "bytes": 3,
        "container_id": "cntr_1",
        "path": "/mnt/data/ü\n\\xff",
        "source": "assistant",
    }


@pytest.mark.parametrize(
    ("fields", "timeout_ms"),
    [
        ({}, 600_000),
        ({"timeout_ms": None}, 600_000),
        ({"stream": True}, 600_000),
        ({"background": True}, None),
        ({"background": True, "stream": True}, None),
        ({"background": True, "timeout_ms": 5}, 5),
        ({"timeout_ms": 1}, 1),
    ],
)
def test_shell_call_timeout(fields: dict[str, Any], timeout_ms: int | None) -> None:
    """A call that somebody waits for ends after ten minutes unless told otherwise, one in the background never."""
    body = ShellCallCreate.model_validate_json(json.dumps({"commands": ["ls"]} | fields))
    assert body.to_spec().timeout_ms == timeout_ms


def test_shell_call_defaults() -> None:
    """A call runs in /mnt/data, with nothing added to its environment and nothing to read."""
    spec = ShellCallCreate.model_validate_json('{"commands": ["ls"], "env": null, "stdin": null}').to_spec()
    assert (spec.commands, spec.working_directory, spec.env, spec.stdin) == (["ls"], "/mnt/data", {}, "")
    assert spec.max_output_length == 1_048_576
