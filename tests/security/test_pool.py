"""Sandboxes that are ready, and nobody's yet."""

from __future__ import annotations

from contextlib import closing

import docker
import httpx
import pytest

from runtime.ids import is_container_id
from tests.envelope import refusal
from tests.service import Service, wait_until

ESCAPES = [
    "getent hosts example.com",
    "curl -sS -m 5 https://example.com",
    "curl -sS -m 5 http://127.53.0.1",
    "curl -sS -m 5 http://192.0.2.1",
    "python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", 53), 5)'",
]


@pytest.fixture
def ready(service: Service) -> str:
    """The name of a sandbox that is ready."""
    wait_until(lambda: bool(service.ready()), 60, "None is ready")
    return service.ready()[0]


def test_a_ready_one_is_nobodys(http: httpx.Client, ready: str) -> None:
    """Nobody can use a sandbox that is ready by its name, though that has the form of an id, nor is it listed."""
    assert is_container_id(ready)
    base = f"/containers/{ready}"
    refusal(http.get(base), 404)
    refusal(http.post(f"{base}/shell_calls", json={"commands": ["true"]}), 404)
    refusal(http.get(f"{base}/files"), 404)
    refusal(http.get(f"{base}/egress"), 404)
    refusal(http.delete(base), 404)
    assert ready not in [container["id"] for container in http.get("/containers").json()["data"]]


def test_a_ready_one_reaches_nothing(ready: str) -> None:
    """In a sandbox that is ready there is no way out, not even a name server, and nothing to know about anybody."""
    with closing(docker.from_env()) as engine:
        sandbox = engine.containers.get(ready)
        for escape in ESCAPES:
            assert sandbox.exec_run(["sh", "-c", escape], user="1000:1000").exit_code != 0, escape
        assert sandbox.exec_run(["ls", "-A", "/mnt/data", "/tmp"]).output == b"/mnt/data:\n\n/tmp:\n"
