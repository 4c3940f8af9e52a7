from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from openai.types import ContainerCreateResponse

from tests.container_skills import reference, skill_zip, uploaded
from tests.envelope import refusal
from tests.service import NO_TLS, ROOT, Service
from tests.shell import call, stdout


@pytest.fixture(scope="module")
def stranger(service: Service) -> Iterator[httpx.Client]:
    """A client with a key of its own, made by the command line while the service runs."""
    made = subprocess.run(
        [sys.executable, "-m", "api.cli.main", "keys", "create", "stranger"],
        cwd=ROOT,
        env={**os.environ, "SANDLOT_DATA_DIR": str(service.data_dir)},
        capture_output=True,
        text=True,
        check=True,
    )
    headers = {"authorization": f"Bearer {made.stdout.strip()}"}
    with httpx.Client(base_url=service.base_url, headers=headers, timeout=60, verify=NO_TLS) as connected:
        yield connected


def test_anothers_containers_do_not_exist(
    http: httpx.Client, stranger: httpx.Client, container: ContainerCreateResponse
) -> None:
    """With another key, a container and all in it answer exactly as if they had never been."""
    base = f"/containers/{container.id}"
    file_id = http.post(f"{base}/files", files={"file": ("a.txt", b"secret")}).json()["id"]
    call_id = call(http, container.id, "echo secret")["id"]
    requests = [
        ("GET", "", None),
        ("DELETE", "", None),
        ("GET", "/files", None),
        ("GET", f"/files/{file_id}", None),
        ("GET", f"/files/{file_id}/content", None),
        ("DELETE", f"/files/{file_id}", None),
        ("POST", "/shell_calls", {"commands": ["rm -rf /mnt/data"]}),
        ("POST", "/shell_calls", {"commands": ["rm -rf /mnt/data"], "stream": True}),
        ("GET", f"/shell_calls/{call_id}", None),
        ("GET", f"/shell_calls/{call_id}/events", None),
        ("POST", f"/shell_calls/{call_id}/cancel", None),
    ]
    nowhere = "cntr_" + container.id[5:13] + "0" * 40
    for method, path, body in requests:
        theirs = refusal(stranger.request(method, base + path, json=body), 404)
        nobodys = refusal(stranger.request(method, f"/containers/{nowhere}{path}", json=body), 404)
        assert theirs["message"] == nobodys["message"].replace(nowhere, container.id)
        assert theirs | {"message": ""} == nobodys | {"message": ""}
    upload = stranger.post(f"{base}/files", files={"file": ("b.txt", b"planted")})
    assert refusal(upload, 404)["message"] == f"Container with id '{container.id}' not found."
    assert stranger.get("/containers").json()["data"] == []
    assert refusal(stranger.get("/containers", params={"after": container.id}), 404)
    assert stdout(http, container.id, "cat *") == "secret"


def test_anothers_files_and_skills_can_not_be_had(http: httpx.Client, stranger: httpx.Client, service: Service) -> None:
    """With another key, files and skills can't be copied into a container: they answer as if they had never been."""
    file = {"file": ("secret.txt", b"secret")}
    file_id = http.post("/files", data={"purpose": "user_data"}, files=file).raise_for_status().json()["id"]
    skill_id = uploaded(http, skill_zip("secret"))
    mine = stranger.post("/containers", json={"name": "mine"}).raise_for_status().json()["id"]
    try:
        before = service.engine_containers()
        requests = [
            ("/containers", {"name": "x", "file_ids": [file_id]}, "file_ids[0]"),
            ("/containers", {"name": "x", "skills": [reference(skill_id)]}, "skills[0].skill_id"),
            ("/containers", {"name": "x", "skills": [reference(skill_id, 1)]}, "skills[0].skill_id"),
            (f"/containers/{mine}/files", {"file_id": file_id}, "file_id"),
        ]
        for path, body, param in requests:
            theirs = refusal(stranger.post(path, json=body), 404)
            text = json.dumps(body).replace(file_id, f"file-{'0' * 22}").replace(skill_id, f"skill_{'0' * 48}")
            nobodys = refusal(stranger.post(path, json=json.loads(text)), 404)
            assert theirs["param"] == nobodys["param"] == param
            message = theirs["message"].replace(file_id, f"file-{'0' * 22}").replace(skill_id, f"skill_{'0' * 48}")
            assert message == nobodys["message"]
        assert service.engine_containers() == before
        assert stdout(stranger, mine, "ls -A") == ""
    finally:
        stranger.delete(f"/containers/{mine}").raise_for_status()


def test_ids_are_of_one_container_only(http: httpx.Client, container: ContainerCreateResponse) -> None:
    """The ids of one container's files and calls are unknown on another of the same key."""
    other = http.post("/containers", json={"name": "other"}).raise_for_status().json()["id"]
    try:
        file_id = http.post(f"/containers/{other}/files", files={"file": ("a.txt", b"secret")}).json()["id"]
        call_id = call(http, other, "echo secret")["id"]
        base = f"/containers/{container.id}"
        for method, path in [
            ("GET", f"/files/{file_id}"),
            ("GET", f"/files/{file_id}/content"),
            ("DELETE", f"/files/{file_id}"),
            ("GET", f"/files?after={file_id}"),
            ("GET", f"/shell_calls/{call_id}"),
            ("GET", f"/shell_calls/{call_id}/events"),
            ("POST", f"/shell_calls/{call_id}/cancel"),
        ]:
            refusal(http.request(method, base + path), 404)
        assert stdout(http, other, "cat a.txt") == "secret"
    finally:
        http.delete(f"/containers/{other}").raise_for_status()
