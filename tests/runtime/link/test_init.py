"""The agent as the first process of a sandbox: what code can and can't do to it."""

from __future__ import annotations

import pytest

from runtime.values import ExitOutcome
from tests.runtime.link.box import Box

SCHEDULED = "ps -o nice=,cls= -p 1; taskset -p 1; chrt -p 1; ionice -p 1"
RAW = """python3 -c "
from ctypes import CDLL, byref, c_int, c_long
import platform
number = dict(setpriority=(141, 140), sched_setscheduler=(144, 119))['{name}'][platform.machine() == 'aarch64']
exit(CDLL(None).syscall(c_long(number), {arguments}) != 0)"
"""
FORK_BOMB = "bomb() { bomb | bomb & }; bomb; sleep 1000"


async def test_every_signal(container_box: Box) -> None:
    """No signal from inside ends the agent, nor stops it."""
    await container_box.one("for signal in $(seq 1 64); do kill -$signal 1; done; kill -9 -1")
    assert await container_box.run("echo alive") == "alive\n"


async def test_its_memory_is_closed(container_box: Box) -> None:
    """Code of the agent's own user can't look into it, nor change what the kernel thinks of it."""
    seen = await container_box.one("cd /proc/1; cat mem environ maps auxv; ls -L fd cwd/ root/")
    assert seen.stdout == ""
    assert seen.stderr.count("Permission denied") == 7, seen
    assert (await container_box.one("echo 1000 > /proc/1/oom_score_adj")).outcome == ExitOutcome(1)


@pytest.mark.parametrize("limit", ["nofile=3:3", "cpu=1:1", "as=4096:4096", "nproc=0:0"])
async def test_its_limits_are_its_own(container_box: Box, limit: str) -> None:
    """Code can't take descriptors, time or memory away from the agent."""
    output = await container_box.one(f"prlimit --pid 1 --{limit}")
    assert output.outcome == ExitOutcome(1), output
    assert await container_box.run("echo alive") == "alive\n"


@pytest.mark.parametrize(
    "attempt",
    [
        "renice -n 19 -p 1",
        "chrt --idle -p 0 1",
        "taskset -p 1 1",
        "ionice -c 3 -p 1",
        "python3 -c 'import os; os.setpriority(os.PRIO_PGRP, 1, 19)'",
        "python3 -c 'import os; os.setpriority(os.PRIO_USER, 0, 19)'",
        "python3 -c 'import os; os.setpriority(os.PRIO_USER, os.getuid(), 19)'",
        RAW.format(name="setpriority", arguments="c_long(0), c_long(2**32 + 1), c_long(19)"),
        RAW.format(name="setpriority", arguments="c_long(2**32 + 2), c_long(0), c_long(19)"),
        RAW.format(name="sched_setscheduler", arguments="c_long(2**32 + 1), c_long(5), byref(c_int(0))"),
    ],
)
async def test_its_priority_is_its_own(container_box: Box, attempt: str) -> None:
    """Code can't take the processor away from the agent."""
    before = await container_box.run(SCHEDULED)
    output = await container_box.one(attempt)
    assert output.outcome != ExitOutcome(0), output
    assert await container_box.run(SCHEDULED) == before


@pytest.mark.parametrize(
    "change",
    [
        "nice -n 3 true",
        "renice -n 9 -p $$",
        "chrt --idle -p 0 $$",
        "taskset -p 1 $$",
        "taskset 1 true",
        "ionice -c 3 true",
        "python3 -c 'import os; os.nice(1); os.setpriority(os.PRIO_PROCESS, os.getpid(), 9)'",
        "sleep 1 & renice -n 9 -p $!",
    ],
)
async def test_code_has_priorities_of_its_own(container_box: Box, change: str) -> None:
    """Code sets those of its own processes as ever."""
    output = await container_box.one(change)
    assert output.outcome == ExitOutcome(0), output


async def test_commands_come_after_the_agent(container_box: Box) -> None:
    """A busy sandbox still answers: its commands have a lower priority than the agent."""
    assert await container_box.run("nice; ps -o nice= -p 1 | tr -d ' '") == "5\n0\n"


async def test_orphans_are_reaped(container_box: Box) -> None:
    """Processes whose parents have gone leave no zombies."""
    await container_box.run("for i in $(seq 50); do (sleep 0.01 &) ; done")
    await container_box.run("while pgrep -x sleep; do sleep 0.02; done > /dev/null")
    assert await container_box.run("ps -eo stat= | grep -c Z || true") == "0\n"


async def test_a_fork_bomb_in_a_call(container_box: Box) -> None:
    """A call whose time is up is over, however fast its processes multiply; the next one finds room."""
    await container_box.one(FORK_BOMB, timeout_ms=500)
    assert await container_box.run("echo alive") == "alive\n"
    assert int(await container_box.run("ps -e | wc -l")) < 20


async def test_a_fork_bomb_that_was_left_behind(container_box: Box) -> None:
    """Processes of a finished call, each in a session of its own, make way for the next call."""
    await container_box.one("cat > bomb.sh; setsid sh bomb.sh &", stdin="while :; do setsid sh bomb.sh & done")
    for number in range(5):
        assert await container_box.run(f"echo {number}") == f"{number}\n"


async def test_memory_that_is_used_up(container_box: Box) -> None:
    """The kernel takes the greedy command and says so; the agent lives on."""
    output = await container_box.one("python3 -c 'x = bytearray(2 * 1024**3)'")
    assert output.outcome == ExitOutcome(137, oom_killed=True)
    assert (await container_box.one("exit 137")).outcome == ExitOutcome(137)
