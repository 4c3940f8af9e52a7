from __future__ import annotations

import re
import time

import httpx
import openai
import pytest
from openai.types import ContainerCreateResponse

from tests.envelope import check_headers
from tests.service import NO_TLS, Service
from tests.shell import stdout


def test_a_container_as_it_is_made(http: httpx.Client) -> None:
    """A create answers with OpenAI's object, its defaults filled in, and nothing else."""
    made = http.post("/containers", json={"name": "plain"}).raise_for_status().json()
    container_id = made.pop("id")
    try:
        times = {made.pop("created_at"), made.pop("last_active_at")}
        assert all(abs(moment - time.time()) < 600 for moment in times)
        assert re.fullmatch(r"cntr_[0-9a-f]{48}", container_id)
        assert made == {
            "object": "container",
            "name": "plain",
            "status": "running",
            "expires_after": {"anchor": "last_active_at", "minutes": 20},
            "memory_limit": "1g",
            "network_policy": {"type": "disabled"},
        }
    finally:
        http.delete(f"/containers/{container_id}").raise_for_status()


def test_a_container_keeps_what_was_asked_for(client: openai.OpenAI) -> None:
    """Name, expiry, memory and policy come back from create, retrieve and list alike."""
    made = client.containers.create(
        name='ünïcode ✓ "quoted" <b>',
        expires_after={"anchor": "last_active_at", "minutes": 3},
        memory_limit="16g",
        network_policy={"type": "disabled"},
    )
    try:
        read = client.containers.retrieve(made.id)
        listed = next(container for container in client.containers.list() if container.id == made.id)
        for container in (made, read, listed):
            assert container.name == 'ünïcode ✓ "quoted" <b>'
            assert container.expires_after is not None
            assert container.expires_after.minutes == 3
            assert container.memory_limit == "16g"
            assert container.network_policy is not None
            assert container.network_policy.type == "disabled"
    finally:
        client.containers.delete(made.id)


@pytest.mark.parametrize(("tier", "gib"), [("1g", 1), ("4g", 4), ("16g", 16), ("64g", 64)])
def test_every_tier_is_the_limit_inside(http: httpx.Client, tier: str, gib: int) -> None:
    """Each `memory_limit` is what the kernel holds the container to, swap included."""
    container_id = http.post("/containers", json={"name": tier, "memory_limit": tier}).json()["id"]
    try:
        limits = (
            "cd /sys/fs/cgroup; cat memory.max memory.swap.max 2>/dev/null || cat memory/memory.memsw.limit_in_bytes"
        )
        lines = stdout(http, container_id, limits).split()
        assert lines in ([str(gib * 1024**3)], [str(gib * 1024**3), "0"])
    finally:
        http.delete(f"/containers/{container_id}")


def test_deleted_is_gone(http: httpx.Client, service: Service, container: ContainerCreateResponse) -> None:
    """A deleted container says so once; from then on it is nowhere, and soon not on the engine either."""
    assert container.id in service.engine_containers()
    assert http.delete(f"/containers/{container.id}").json() == {
        "id": container.id,
        "object": "container.deleted",
        "deleted": True,
    }
    assert container.id not in service.engine_containers()
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/files"), ("GET", "/shell_calls/sh_" + "0" * 50)):
        response = http.request(method, f"/containers/{container.id}{path}")
        assert response.status_code == 404
        assert response.json()["error"] == {
            "message": f"Container with id '{container.id}' not found.",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }


def test_using_a_container_refreshes_it(http: httpx.Client, container: ContainerCreateResponse) -> None:
    """Reading a container counts as a use of it; listing all containers does not."""
    time.sleep(1.1)
    listed = http.get("/containers").json()["data"][0]
    assert (listed["id"], listed["last_active_at"]) == (container.id, container.last_active_at)
    assert http.get(f"/containers/{container.id}").json()["last_active_at"] > (container.last_active_at or 0)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_the_service_says_how_it_is(service: Service, path: str) -> None:
    """Liveness and readiness answer without a key."""
    response = httpx.get(f"http://127.0.0.1:{service.port}{path}", verify=NO_TLS)
    assert response.status_code == 200
    check_headers(response)


def test_every_answer_has_openais_headers(http: httpx.Client, container: ContainerCreateResponse) -> None:
    """Request id, processing time and API version are on every answer, streams and downloads included."""
    base = f"/containers/{container.id}"
    answers = [
        http.get("/containers"),
        http.get(base),
        http.post(f"{base}/files", files={"file": ("a.txt", b"a")}),
        listing := http.get(f"{base}/files"),
        http.get(f"{base}/files/{listing.json()['first_id']}"),
        http.get(f"{base}/files/{listing.json()['first_id']}/content"),
        http.delete(f"{base}/files/{listing.json()['first_id']}"),
        call := http.post(f"{base}/shell_calls", json={"commands": ["true"]}),
        http.post(f"{base}/shell_calls", json={"commands": ["true"], "stream": True}),
        http.get(f"{base}/shell_calls/{call.json()['id']}"),
        http.get(f"{base}/shell_calls/{call.json()['id']}/events"),
        http.post(f"{base}/shell_calls/{call.json()['id']}/cancel"),
        http.delete(base),
    ]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        check_headers(answer)
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)
