from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import httpx
import pytest
from openai.types import ContainerCreateResponse

from tests.envelope import refusal
from tests.expiry import SWEPT_SECONDS, has_expired, make_due
from tests.service import Service, wait_until
from tests.shell import EXITED, Json, call, joined, run, stdout, streamed

EXPIRED = {"message": "Container is expired.", "type": "invalid_request_error", "param": None, "code": None}


class Expired(NamedTuple):
    """A container that has expired, as it was before, and what was in it."""

    before: Json
    file_id: str
    call_id: str
    spare_id: str
    """The id of another that has expired."""


@pytest.fixture(scope="module")
def expired(http: httpx.Client, service: Service) -> Iterator[Expired]:
    """A container with a file and a call in it, expired by the sweep alone."""
    policy = {"type": "allowlist", "allowed_domains": ["allowed.example.com"]}
    made = http.post("/containers", json={"name": "short-lived", "network_policy": policy}).raise_for_status().json()
    base = f"/containers/{made['id']}"
    file_id = http.post(f"{base}/files", files={"file": ("a.txt", b"a")}).json()["id"]
    call_id = call(http, made["id"], "getent hosts tried.example.com; sleep 1000", background=True)["id"]
    wait_until(lambda: bool(http.get(f"{base}/egress").json()["data"]), 30, "Nothing is tried")
    before = http.get(base).json()
    spare_id = http.post("/containers", json={"name": "short-lived"}).raise_for_status().json()["id"]
    for due in (made["id"], spare_id):
        make_due(service, due)
    for due in (made["id"], spare_id):
        wait_until(partial(has_expired, http, due), SWEPT_SECONDS, "The sweep passes it over")
    yield Expired(before, file_id, call_id, spare_id)
    http.delete(base).raise_for_status()


def test_its_record_stays_as_a_snapshot(http: httpx.Client, expired: Expired) -> None:
    """An expired container's metadata can be read, as often as one likes, and no longer changes."""
    for _ in range(2):
        now = http.get(f"/containers/{expired.before['id']}").raise_for_status().json()
        assert now["status"] == "expired"
        for field in ("id", "object", "name", "created_at", "last_active_at", "memory_limit", "network_policy"):
            assert now[field] == expired.before[field]


def test_its_sandbox_is_gone(service: Service, expired: Expired) -> None:
    """Nothing of an expired container is left on the engine."""
    wait_until(lambda: expired.before["id"] not in service.engine_containers(), 30, "The engine still has it")


def test_its_files_are_gone(http: httpx.Client, expired: Expired) -> None:
    """Every route of its files is a 404 `Container is expired.`"""
    files = f"/containers/{expired.before['id']}/files"
    for method, path in [
        ("GET", ""),
        ("GET", f"/{expired.file_id}"),
        ("GET", f"/{expired.file_id}/content"),
        ("DELETE", f"/{expired.file_id}"),
    ]:
        assert refusal(http.request(method, files + path), 404) == EXPIRED
    assert refusal(http.post(files, files={"file": ("b.txt", b"b")}), 404) == EXPIRED


def test_nothing_runs_in_it(http: httpx.Client, expired: Expired) -> None:
    """Every route of its calls is a 400 `Container is expired.`; it can't be revived."""
    calls = f"/containers/{expired.before['id']}/shell_calls"
    for body in ({}, {"stream": True}, {"background": True}):
        assert refusal(http.post(calls, json={"commands": ["true"], **body}), 400) == EXPIRED
    assert refusal(http.get(f"{calls}/{expired.call_id}"), 400) == EXPIRED
    assert refusal(http.get(f"{calls}/{expired.call_id}/events"), 400) == EXPIRED
    assert refusal(http.post(f"{calls}/{expired.call_id}/cancel"), 400) == EXPIRED


def test_what_it_tried_is_forgotten(http: httpx.Client, expired: Expired) -> None:
    """An expired container's `egress` is an empty list."""
    assert http.get(f"/containers/{expired.before['id']}/egress").raise_for_status().json()["data"] == []


def test_it_can_be_deleted(http: httpx.Client, expired: Expired) -> None:
    """An expired container can still be deleted, and is then not found."""
    path = f"/containers/{expired.spare_id}"
    assert http.delete(path).json() == {"id": expired.spare_id, "object": "container.deleted", "deleted": True}
    refusal(http.get(path), 404)
    refusal(http.delete(path), 404)


def test_a_container_in_use_does_not_expire(
    http: httpx.Client, service: Service, container: ContainerCreateResponse
) -> None:
    """While a call is waited for, or a stream read, a container's time is never up; afterwards it is."""
    other = http.post("/containers", json={"name": "streaming"}).raise_for_status().json()["id"]
    command = "touch begun; sleep 7; echo through"  # a sweep comes every 5 seconds
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(run, http, container.id, command)
        reading = threads.submit(read, http, other, command)
        for container_id in (container.id, other):
            wait_until(partial(has_begun, http, container_id), 30, "It does not begin")
        for container_id in (container.id, other):
            make_due(service, container_id)
        assert waiting.result() == {"stdout": "through\n", "stderr": "", "outcome": EXITED}
        assert reading.result() == "through\n"
    for container_id in (container.id, other):
        wait_until(partial(has_expired, http, container_id), SWEPT_SECONDS, "It does not expire any more")
    http.delete(f"/containers/{other}").raise_for_status()


def has_begun(http: httpx.Client, container_id: str) -> bool:
    """Whether a command has left its mark."""
    return "begun" in stdout(http, container_id, "ls")


def read(http: httpx.Client, container_id: str, command: str) -> str:
    """What a command writes, as a stream has it."""
    with streamed(http, container_id, command) as events:
        return joined(events, "stdout")


def test_others_live_on(http: httpx.Client, expired: Expired, container: ContainerCreateResponse) -> None:
    """The sweep takes only what is due."""
    assert not has_expired(http, container.id)
    assert stdout(http, container.id, "echo alive") == "alive\n"
