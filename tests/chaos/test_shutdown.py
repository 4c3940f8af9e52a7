from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.envelope import refusal
from tests.service import Service, wait_until
from tests.shell import EXITED, call, joined, rejoined, stdout


def test_sigterm_while_calls_run(mortal: Service, client_of: httpx.Client, container_id: str) -> None:
    """SIGTERM ends the service with code 0 and answers those who wait; what runs in sandboxes runs on."""
    path = f"/containers/{container_id}/shell_calls"
    begun = call(client_of, container_id, "until [ -e go ]; do sleep 0.05; done; echo end", background=True)
    with ThreadPoolExecutor() as threads, mortal.http() as other, mortal.http() as third:
        waiting = threads.submit(other.post, path, json={"commands": ["touch begun; sleep 1000"]})
        following = threads.submit(third.get, f"{path}/{begun['id']}/events")
        wait_until(lambda: "begun" in stdout(client_of, container_id, "ls"), 30, "It does not run")
        assert mortal.stop() == 0
        assert refusal(waiting.result(timeout=60), 503)["code"] == "shutting_down"
        with pytest.raises(httpx.RemoteProtocolError):
            following.result(timeout=60)
    mortal.start()
    stdout(client_of, container_id, "touch go; pgrep -fx 'sleep 1000'")
    assert joined(rejoined(client_of, container_id, begun["id"]), "stdout") == "end\n"
    assert client_of.get(f"{path}/{begun['id']}").json()["output"][0]["outcome"] == EXITED


def test_a_restart_changes_nothing(mortal: Service, client_of: httpx.Client, container_id: str) -> None:
    """After an orderly restart key, containers, files and finished calls answer as they did."""
    client_of.post(f"/containers/{container_id}/files", files={"file": ("a.txt", b"kept")}).raise_for_status()
    ended = call(client_of, container_id, "echo out; echo err >&2; exit 7")
    paths = [f"/containers/{container_id}/files", f"/containers/{container_id}/shell_calls/{ended['id']}"]
    paths.append("/containers")
    before = [client_of.get(path).raise_for_status().json() for path in paths]
    mortal.restart()
    assert [client_of.get(path).raise_for_status().json() for path in reversed(paths)] == before[::-1]
