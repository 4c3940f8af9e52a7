from __future__ import annotations

import hashlib
from collections.abc import Iterator

import openai
import pytest

from tests.container_skills import skill_zip
from tests.sdk.methods import recorded, sdk_methods
from tests.sdk.strict import Judge
from tests.service import Service


@pytest.fixture
def client(service: Service) -> Iterator[openai.OpenAI]:
    """The official client, every answer to which has to be of the client's own types, strictly."""
    connected = openai.OpenAI(base_url=service.base_url, api_key=service.api_key, max_retries=0)
    judge = Judge(sdk_methods(connected))
    judging = openai.DefaultHttpxClient(event_hooks={"response": [judge]})
    with connected.with_options(http_client=judging) as judged:
        yield judged
    connected.close()
    assert judge.faults == []


@pytest.fixture
def called(client: openai.OpenAI) -> set[str]:
    """The methods of the client that the test has called so far."""
    return recorded(client)


def methods_of(client: openai.OpenAI, resource: str) -> set[str]:
    """All methods of a resource and of what is in it."""
    return {method.path for method in sdk_methods(client) if method.path.startswith(f"{resource}.")}


def test_every_method_of_files(client: openai.OpenAI, called: set[str]) -> None:
    """Each method of the official client for files does what it says, and gets answers strictly of its types."""
    made = client.files.create(
        file=("a.txt", b"text"), purpose="vision", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert client.files.retrieve(made.id) == made
    assert client.files.wait_for_processing(made.id) == made
    other = client.files.create(file=("b.txt", b""), purpose="vision")
    assert {made.id, other.id} <= {file.id for file in client.files.list(purpose="vision", limit=1)}
    assert client.files.content(made.id).read() == b"text"
    with pytest.warns(DeprecationWarning, match="content"):
        assert client.files.retrieve_content(made.id) == "text"
    for file in (made, other):
        assert client.files.delete(file.id).id == file.id
    assert called == methods_of(client, "files")


def test_every_method_of_uploads(client: openai.OpenAI, called: set[str]) -> None:
    """Each method of the official client for uploads does what it says, and gets answers strictly of its types."""
    upload = client.uploads.create(bytes=6, filename="a.txt", mime_type="text/plain", purpose="vision")
    assert upload.status == "pending"
    first, second = (client.uploads.parts.create(upload.id, data=data).id for data in (b"abc", b"def"))
    checksum = hashlib.md5(b"defabc", usedforsecurity=False).hexdigest()
    done = client.uploads.complete(upload.id, part_ids=[second, first], md5=checksum)
    assert done.file
    assert client.files.content(done.file.id).read() == b"defabc"
    other = client.uploads.create(bytes=6, filename="a.txt", mime_type="text/plain", purpose="batch")
    assert client.uploads.cancel(other.id).status == "cancelled"
    chunked = client.uploads.upload_file_chunked(
        file=b"abcdef", filename="b.txt", bytes=6, mime_type="text/plain", purpose="user_data", part_size=4
    )
    assert chunked.file
    assert client.files.content(chunked.file.id).read() == b"abcdef"
    for file in (done.file, chunked.file):
        client.files.delete(file.id)
    assert called >= methods_of(client, "uploads")


def test_every_method_of_skills(client: openai.OpenAI, called: set[str]) -> None:
    """Each method of the official client for skills does what it says, and gets answers strictly of its types."""
    skill = client.skills.create(files=("a.zip", skill_zip("first")))
    assert client.skills.retrieve(skill.id) == skill
    assert skill in list(client.skills.list())
    content = client.skills.content.retrieve(skill.id).read()
    assert client.skills.versions.content.retrieve("1", skill_id=skill.id).read() == content
    second = client.skills.versions.create(skill.id, files=[("a.zip", skill_zip("second"))], default=False)
    assert client.skills.versions.retrieve("2", skill_id=skill.id) == second
    assert [version.version for version in client.skills.versions.list(skill.id, limit=1)] == ["2", "1"]
    updated = client.skills.update(skill.id, default_version="2")
    assert (updated.name, updated.default_version) == ("second", "2")
    assert client.skills.versions.delete("1", skill_id=skill.id).version == "1"
    assert client.skills.delete(skill.id).id == skill.id
    assert called == methods_of(client, "skills")


def test_every_method_of_containers(client: openai.OpenAI, called: set[str]) -> None:
    """Each method of the official client for containers does what it says, and gets answers strictly of its types."""
    file = client.files.create(file=("copied.txt", b"copied"), purpose="user_data")
    skill = client.skills.create(files=("a.zip", skill_zip("a")))
    container = client.containers.create(
        name="methods",
        memory_limit="1g",
        expires_after={"anchor": "last_active_at", "minutes": 5},
        network_policy={"type": "allowlist", "allowed_domains": ["example.com"]},
        file_ids=[file.id],
        skills=[{"type": "skill_reference", "skill_id": skill.id}],
    )
    assert client.containers.retrieve(container.id).name == "methods"
    assert container.id in [each.id for each in client.containers.list(name="methods", limit=1)]
    made = client.containers.files.create(container.id, file=("a.txt", b"text"))
    again = client.containers.files.create(container.id, file_id=file.id)
    paths = {each.path for each in client.containers.files.list(container.id, limit=1)}
    assert paths == {f"/mnt/data/{name}" for name in ("a.txt", "copied.txt", "copied-1.txt")}
    assert client.containers.files.retrieve(made.id, container_id=container.id).bytes == 4
    assert client.containers.files.content.retrieve(again.id, container_id=container.id).read() == b"copied"
    client.containers.files.delete(made.id, container_id=container.id)
    client.containers.delete(container.id)
    client.files.delete(file.id)
    client.skills.delete(skill.id)
    assert called >= methods_of(client, "containers")
