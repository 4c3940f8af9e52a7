"""Calls in an agent: those that the kernel refuses something, and those that are kept."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

# In a process of its own: the loop takes the signals of the whole process.
CALLS = """
import errno, json, os, signal, sys
from runtime.agent import shells
from runtime.agent.calls import Calls
from runtime.agent.loop import Loop
from runtime.agent.processes import Processes

fill, full = shells._fill, False
def fill_or_fail(fd, data):
    fill(fd, data[: len(data) // 2] if full else data)
    if full:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
shells._fill = fill_or_fail
loop = Loop()
calls = Calls(loop, Processes(loop), "/")
def descriptors():
    return len(os.listdir("/proc/self/fd"))
def events(number):
    spec = dict(created_at=1, timeout_ms=None, max_output_length=100, working_directory="/", env={}, stdin="")
    made = f"mkdir {sys.argv[1]}/{number}; echo b" + " " * 1000
    call = calls.start({**spec, "id": str(number), "commands": ["echo a", made]})
    def look():
        loop.stop() if call.over else loop.call_later(0.01, look)
    loop.call_later(0.01, look)
    loop._running = True
    loop.run()
    return call.log.events
for number, full in enumerate([False, True, True, False, False]):
    if number == 4:
        os.kill(calls.shells._spare.pid, signal.SIGKILL)
        os.waitid(os.P_PID, calls.shells._spare.pid, os.WEXITED | os.WNOWAIT)
    print(json.dumps([events(number), descriptors()]), flush=True)
"""

KEPT = """
import json
from runtime.agent import calls as calls_module
from runtime.agent.loop import Loop
from runtime.agent.processes import Processes

calls_module.KEPT_CALLS, calls_module.KEPT_CHARACTERS = 3, 3000
loop = Loop()
calls = calls_module.Calls(loop, Processes(loop), "/")
for number, size in enumerate([1, 1, 1, 1, 1500, 9000, 1, 1, 1, 1]):
    spec = dict(created_at=1, timeout_ms=None, max_output_length=10000, working_directory="/", env={}, stdin="")
    call = calls.start({**spec, "id": str(number), "commands": [f"printf %{size}d"]})
    call.listeners.append(lambda: loop.stop() if call.over else None)
    loop._running = True
    loop.run()
    print(json.dumps(list(map(int, calls._calls))))
"""


def test_commands_that_can_not_be_told(tmp_path: Path) -> None:
    """A command that its shell can't be told fails and says why. No part of it runs, and nothing is left open.

    Nor is it of a shell that was killed while it waited for one.
    """
    command = [sys.executable, "-c", CALLS, str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    first, full, again, last, after_a_kill = (json.loads(line) for line in ran.stdout.splitlines())
    for events, _ in (first, last, after_a_kill):
        assert sorted(event[3] for event in events if event[0] == "out") == ["a\n", "b\n"]
    for events, _ in (full, again):
        assert [event[3] for event in events if event[0] == "out"] == [
            "sandbox: [Errno 28] No space left on device\n",
        ] * 2
        assert [event[2]["exit_code"] for event in events if event[0] == "exit"] == [126, 126]
        assert events[-1] == ["done", "completed"]
    assert again[1] == full[1] <= last[1] == first[1] == after_a_kill[1]
    assert {made.name for made in tmp_path.iterdir()} == {"0", "3", "4"}


def test_calls_that_are_kept() -> None:
    """Of those that have ended the latest are kept: so many, of so many characters, and the last however long it is."""
    ran = subprocess.run([sys.executable, "-c", KEPT], capture_output=True, text=True, check=True, timeout=60)
    kept = [json.loads(line) for line in ran.stdout.splitlines()]
    by_number = [[0], [0, 1], [0, 1, 2], [1, 2, 3]]
    by_size = [[3, 4], [5], [6]]
    assert kept == [*by_number, *by_size, [6, 7], [6, 7, 8], [7, 8, 9]]
