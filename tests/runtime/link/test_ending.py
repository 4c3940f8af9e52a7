"""How commands end that don't end by themselves, and what goes on after one that did."""

from __future__ import annotations

import asyncio

import pytest

from runtime.values import CallStatus, ExitOutcome, TimeoutOutcome
from tests.runtime.link.box import Box, finished

STUBBORN = "trap '' TERM INT HUP; echo begun; while :; do sleep 0.05; done"


@pytest.mark.parametrize(
    "command",
    [
        "echo begun; sleep 1000",
        STUBBORN,
        f"({STUBBORN}) & wait",
        f"echo begun; sh -c 'sh -c \"sleep 1000 & wait\" & wait' & {STUBBORN}",
        "echo begun; set -m; sleep 1000 & sleep 1000",
        "echo begun; exec 1>&- 2>&-; sleep 1000",
        "echo begun; yes",
    ],
)
async def test_time_out(box: Box, command: str) -> None:
    """When the time is up the command is killed with all of its session; what it wrote before is kept."""
    marker = "sandlot-test-marker"
    call = await box.call(box.spec(command, "echo other", timeout_ms=300, env={"MARKER": marker}))
    assert call.status is CallStatus.INCOMPLETE
    assert call.output[0].outcome == TimeoutOutcome()
    assert call.output[0].stdout.startswith("begun\n")
    assert call.output[1].outcome == ExitOutcome(0)
    await _until_nobody_has(box, marker)


async def test_cancel(box: Box) -> None:
    """Cancelling kills what runs, and the call ends for those who follow it as for the one who cancelled."""
    spec = box.spec(STUBBORN, "echo done; exit 4", timeout_ms=None, env={"MARKER": "sandlot-test-cancelled"})
    followed = await box.sandbox.run(spec)
    await box.run("sleep 0.2")
    cancelled = await finished(await box.sandbox.cancel(spec["id"]))
    assert cancelled.status is CallStatus.INCOMPLETE
    assert [output.outcome for output in cancelled.output] == [ExitOutcome(137), ExitOutcome(4)]
    assert await finished(followed) == cancelled
    await _until_nobody_has(box, "sandlot-test-cancelled")


async def test_cancelling_what_has_ended(box: Box) -> None:
    """A call that has ended stays as it is."""
    spec = box.spec("echo a")
    before = await box.call(spec)
    assert before.status is CallStatus.COMPLETED
    assert (await finished(await box.sandbox.cancel(spec["id"]))).output == before.output


async def test_a_daemon_goes_on(box: Box) -> None:
    """A process in the background outlives its call, and may write as much as it likes without being heard."""
    daemon = "(while [ -e alive ]; do echo >> count; head -c 100000 /dev/zero; done) &"
    output = await box.one(f"touch alive count; {daemon} echo started")
    assert output.stdout.startswith("started") or output.stdout.startswith("\0")
    before = int(await box.run("wc -l < count"))
    for _ in range(100):
        if int(await box.run("wc -l < count")) > before + 5:
            break
        await asyncio.sleep(0.05)
    else:
        pytest.fail("the daemon stands still")
    await box.run("rm alive")


async def test_daemons_that_write_all_the_time(box: Box) -> None:
    """A call ends when its command does, at whatever moment its daemon writes."""
    for _ in range(20):
        daemon = "(while [ -e alive ]; do echo x; done) & sleep 0.01; rm alive; exit 5"
        assert (await box.one(f"touch alive; {daemon}")).outcome == ExitOutcome(5)


async def test_following_is_not_running(box: Box) -> None:
    """A call goes on when nobody follows it any more, and its output can be had from its beginning."""
    spec = box.spec("for i in 1 2 3; do echo $i; sleep 0.1; done", timeout_ms=None)
    (await box.sandbox.run(spec)).close()
    assert (await finished(await box.sandbox.snapshot(spec["id"]))).status is CallStatus.IN_PROGRESS
    assert (await finished(await box.sandbox.follow(spec["id"]))).output[0].stdout == "1\n2\n3\n"


async def _until_nobody_has(box: Box, marker: str) -> None:
    """Wait until no process has a variable of that value."""
    for _ in range(100):
        if await box.run(f"grep -al {marker[:-1]}[{marker[-1]}] /proc/[0-9]*/environ 2>/dev/null || true") == "":
            return
        await asyncio.sleep(0.02)
    pytest.fail("a process is left")
