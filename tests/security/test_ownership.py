from __future__ import annotations

import httpx
from openai.types import ContainerCreateResponse

from tests.envelope import refusal
from tests.shell import call, stdout


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
