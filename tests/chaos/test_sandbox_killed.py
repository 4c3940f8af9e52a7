from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.chaos.engine import kill_sandbox, paused, processes
from tests.envelope import refusal
from tests.service import Service, wait_until
from tests.shell import call, stdout


def check_expired(service: Service, http: httpx.Client, container_id: str) -> None:
    """Hold that a container is expired, in OpenAI's words, and that the engine has nothing of it."""
    base = f"/containers/{container_id}"
    expired = {"message": "Container is expired.", "type": "invalid_request_error", "param": None, "code": None}
    assert refusal(http.post(f"{base}/shell_calls", json={"commands": ["true"]}), 400) == expired
    assert refusal(http.get(f"{base}/files"), 404) == expired
    assert http.get(base).json()["status"] == "expired"
    wait_until(lambda: container_id not in service.engine_containers(), 30, "The engine still has it")


def test_a_dead_sandbox_is_an_expired_container(mortal: Service, client_of: httpx.Client, container_id: str) -> None:
    """When a sandbox's first process is killed from outside, its container is expired."""
    kill_sandbox(container_id)
    check_expired(mortal, client_of, container_id)


def test_it_is_noticed_unasked(http: httpx.Client, service: Service, unattended: str) -> None:
    """A sandbox that dies while nobody uses it shows as expired in the list, without anybody asking for it."""

    def listed() -> str:
        data = http.get("/containers", params={"limit": 100}).json()["data"]
        return next(str(container["status"]) for container in data if container["id"] == unattended)

    wait_until(lambda: listed() == "expired", 90, "It still counts as running")
    wait_until(lambda: unattended not in service.engine_containers(), 30, "The engine still has it")


@pytest.mark.parametrize("way", ["answer", "stream"])
def test_a_call_in_a_dying_sandbox_is_answered(
    mortal: Service, client_of: httpx.Client, container_id: str, way: str
) -> None:
    """A call that runs when its sandbox dies gets an error in OpenAI's form, and at once: nobody waits for nothing."""
    begun = call(client_of, container_id, "touch begun; sleep 1000", background=True)
    path = f"/containers/{container_id}/shell_calls"
    with ThreadPoolExecutor() as threads:
        if way == "answer":
            waiting = threads.submit(client_of.post, path, json={"commands": ["sleep 1000"]})
        else:
            waiting = threads.submit(client_of.get, f"{path}/{begun['id']}/events")
        wait_until(lambda: "sleep" in processes(container_id), 30, "It does not run")
        kill_sandbox(container_id)
        response = waiting.result(timeout=60)
    if way == "answer":
        assert refusal(response, 503)["code"] == "sandbox_lost"
        assert response.headers["x-should-retry"] == "false"
    else:
        assert "event: error" in response.text
        assert '"code":"sandbox_lost"' in response.text
    check_expired(mortal, client_of, container_id)


def test_a_sandbox_that_died_meanwhile(mortal: Service, client_of: httpx.Client, container_id: str) -> None:
    """A sandbox that died while the service was down is an expired container from the service's start on."""
    mortal.kill()
    kill_sandbox(container_id)
    mortal.start()
    assert client_of.get(f"/containers/{container_id}").json()["status"] == "expired"
    check_expired(mortal, client_of, container_id)


def test_one_that_is_paused(mortal: Service, client_of: httpx.Client, container_id: str) -> None:
    """A container whose sandbox somebody has paused isn't taken for one that has ended, and goes on later."""
    with paused(container_id):
        mortal.restart()  # records and engine are compared at each start
        assert client_of.get(f"/containers/{container_id}").json()["status"] == "running"
    assert stdout(client_of, container_id, "echo alive") == "alive\n"
