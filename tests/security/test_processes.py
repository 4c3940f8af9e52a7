from __future__ import annotations

import httpx
import pytest
from openai.types import ContainerCreateResponse

from tests.service import NO_TLS, Service, wait_until
from tests.shell import EXITED, call, run, stdout

FORK_BOMB = "bomb() { bomb | bomb & }; bomb"
THREAD_BOMB = """
import threading, time
while True:
    try:
        threading.Thread(target=time.sleep, args=(1000,)).start()
    except RuntimeError:
        time.sleep(0.01)
"""
DAEMONS = """
import os
for number in range({count}):
    try:
        child = os.fork()
    except BlockingIOError:
        break
    if child:
        os.wait()
        continue
    os.setsid()
    if os.fork():
        os._exit(0)
    os.closerange(0, 1000)
    os.execlp("sleep", "sleep", "1000")
print("left behind")
"""
IGNORES_SIGNALS = "trap '' TERM INT HUP QUIT; echo begun; while :; do sleep 1; done"


def test_fork_bombs_one_after_the_other(
    http: httpx.Client, service: Service, container: ContainerCreateResponse
) -> None:
    """After each of many fork bombs the sandbox runs the next command, takes a file, and the service answers."""
    for number in range(10):
        call(http, container.id, FORK_BOMB, timeout_ms=200)
        assert stdout(http, container.id, f"echo {number}") == f"{number}\n"
        assert httpx.get(f"http://127.0.0.1:{service.port}/healthz", verify=NO_TLS).status_code == 200
    assert http.post(f"/containers/{container.id}/files", files={"file": ("a", b"a")}).status_code == 200


def test_fifty_fork_bombs_at_once(http: httpx.Client, container: ContainerCreateResponse) -> None:
    """50 fork bombs at the same time end with their time-out, and the sandbox runs the next command."""
    output = run(http, container.id, f"for i in $(seq 50); do {FORK_BOMB} & done; sleep 1000", timeout_ms=2000)
    assert output["outcome"] != EXITED
    assert stdout(http, container.id, "echo alive") == "alive\n"


def test_a_thread_bomb(http: httpx.Client, container: ContainerCreateResponse) -> None:
    """A program that starts threads without end ends with its time-out, and the sandbox runs the next command."""
    output = run(http, container.id, "python3 -", stdin=THREAD_BOMB, timeout_ms=3000)
    assert output["outcome"] == {"type": "timeout"}
    assert stdout(http, container.id, "echo alive") == "alive\n"


@pytest.mark.parametrize("target", ["-1", "1"])
def test_killing_everything(http: httpx.Client, container: ContainerCreateResponse, target: str) -> None:
    """`kill -9 -1` and `kill -9 1` end what code has started, never the sandbox."""
    begun = call(http, container.id, "sleep 1000", background=True)
    run(http, container.id, f"kill -9 {target}")
    assert stdout(http, container.id, "echo alive") == "alive\n"
    if target == "-1":
        found = http.get(f"/containers/{container.id}/shell_calls/{begun['id']}").json()
        assert found["output"][0]["outcome"] == {"type": "exit", "exit_code": 137}


@pytest.mark.parametrize("signals", ["TERM", "STOP", "SEGV", "HUP", "INT", "USR1", "CHLD"])
def test_the_agent_takes_no_signals(http: httpx.Client, container: ContainerCreateResponse, signals: str) -> None:
    """No signal that code can send stops the process that serves the link."""
    run(http, container.id, f"for i in $(seq 100); do kill -{signals} 1; done")
    assert stdout(http, container.id, "echo alive") == "alive\n"


def test_ignored_signals_do_not_help(http: httpx.Client, container: ContainerCreateResponse) -> None:
    """A command that ignores every signal it can is still ended by its time-out, and by cancel."""
    output = run(http, container.id, IGNORES_SIGNALS, timeout_ms=1000)
    assert output == {"stdout": "begun\n", "stderr": "", "outcome": {"type": "timeout"}}
    begun = call(http, container.id, IGNORES_SIGNALS, background=True)
    cancelled = http.post(f"/containers/{container.id}/shell_calls/{begun['id']}/cancel").json()
    assert cancelled["output"][0]["outcome"] == {"type": "exit", "exit_code": 137}


@pytest.mark.parametrize("count", [1, 600], ids=["one", "as many as there can be"])
def test_daemons_hold_nobody_up(http: httpx.Client, container: ContainerCreateResponse, count: int) -> None:
    """Double-forked daemons outlive their call without holding it, are reaped, and make room when it is needed."""
    run(http, container.id, "python3 -", stdin=DAEMONS.format(count=count), timeout_ms=60_000)
    assert stdout(http, container.id, "echo alive") == "alive\n"
    if count == 1:
        assert stdout(http, container.id, "pgrep -c sleep") == "1\n"
    stdout(http, container.id, "pkill sleep; true")
    wait_until(lambda: "Z" not in stdout(http, container.id, "ps -eo stat"), 30, "There are zombies")


def test_a_stopped_command_is_ended(http: httpx.Client, container: ContainerCreateResponse) -> None:
    """A command that stops itself ends with its time-out."""
    assert run(http, container.id, "kill -STOP $$", timeout_ms=1000)["outcome"] == {"type": "timeout"}
