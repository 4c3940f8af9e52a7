"""Sandboxes on gVisor's kernel, where the engine has that: what the host's kernel holds otherwise is held, or isn't."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest

from runtime.engines.base import Engine
from runtime.errors import AgentMisbehaved, EngineUnavailable, SandboxLost
from tests.oci_runtimes import GVISOR
from tests.runtime.engines.conftest import Workshop, sandbox_on
from tests.runtime.engines.console import Console
from tests.runtime.link.box import Box

MIB = 1024**2
TOO_MUCH = "python3 -c 'len(bytearray(2 * 2**30))'"

# Numbers on x86_64 and on aarch64, and arguments, of calls that would reach the agent, other sandboxes or the host.
CALLS = """
import ctypes, platform
libc = ctypes.CDLL(None, use_errno=True)
column = ("x86_64", "aarch64").index(platform.machine())
calls = {
    "ptrace": ((101, 117), 16, 1, 0, 0),
    "process_vm_readv": ((310, 270), 1, 0, 0, 0, 0, 0),
    "bpf": ((321, 280), 0, 0, 0),
    "perf_event_open": ((298, 241), 0, 0, -1, -1, 0),
    "io_uring_setup": ((425, 425), 1, 0),
    "userfaultfd": ((323, 282), 1),
    "mount": ((165, 40), b"none", b"/mnt/data", b"tmpfs", 0, 0),
    "chroot": ((161, 51), b"/"),
    "init_module": ((175, 105), 0, 0, 0),
    "reboot": ((169, 142), 0, 0, 0),
    "clock_settime": ((227, 112), 0, 0),
}
print([name for name, (numbers, *arguments) in calls.items() if libc.syscall(numbers[column], *arguments) >= 0])
"""


@pytest.fixture(scope="module")
async def inside() -> AsyncIterator[Box]:
    """A sandbox on gVisor, to look around in."""
    async with sandbox_on(GVISOR) as box:
        yield box


async def test_the_kernel(inside: Box) -> None:
    """The kernel that code meets is gVisor's, not the host's."""
    assert (await inside.run("uname -r")).strip() != os.uname().release
    assert "gVisor" in await inside.run("dmesg")


async def test_privileges(inside: Box) -> None:
    """Code has no capabilities, can't gain privileges, and a user that isn't root."""
    status = dict(line.split(":\t", 1) for line in (await inside.run("cat /proc/self/status")).splitlines())
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd")} == {0}
    assert set(status["Uid"].split() + status["Gid"].split()) == {"1000"}
    assert await inside.run("python3 -c 'import ctypes; print(ctypes.CDLL(None).prctl(39, 0, 0, 0, 0))'") == "1\n"


async def test_calls(inside: Box) -> None:
    """Docker's filter of system calls isn't applied: gVisor itself refuses what reaches for the kernel or the agent."""
    output = await inside.one("python3 -", stdin=CALLS)
    assert output.stdout == "[]\n", output


async def test_memory_file_systems(inside: Box) -> None:
    """/tmp and /dev/shm have the same size as otherwise."""
    assert f"size={512 * MIB}," in await inside.run("grep ' /tmp ' /proc/self/mountinfo")
    full = await inside.one(f"head -c {64 * MIB + 1} /dev/zero > /dev/shm/full; rm /dev/shm/full")
    assert "No space left" in full.stderr


async def test_what_can_be_written(inside: Box) -> None:
    """The system's folders are not the code's; its own are."""
    assert (
        await inside.run("find /bin /etc /home/oai /opt /var/lib -xdev -writable ! -type l 2>/dev/null || true") == ""
    )
    assert await inside.run("for d in /mnt/data /tmp ~; do touch $d/x && rm $d/x && echo ok; done") == "ok\n" * 3


async def test_limits() -> None:
    """The limits are those of the sandbox with its kernel: one that takes more memory ends as a whole."""
    async with sandbox_on(GVISOR) as box:
        with pytest.raises(SandboxLost):
            await box.one(TOO_MUCH)


async def test_code_can_end_its_own_sandbox() -> None:
    """The agent can be killed from inside; that is the end of this sandbox and of nothing else."""
    async with sandbox_on(GVISOR) as other, sandbox_on(GVISOR) as box:
        with pytest.raises(SandboxLost):
            await box.one("kill -9 1; sleep 60")
        assert await other.run("echo here") == "here\n"


async def test_code_can_speak_in_the_agents_place() -> None:
    """The agent's end of the link is open to code: garbage on it ends this sandbox's link, and nothing else."""
    async with sandbox_on(GVISOR) as other, sandbox_on(GVISOR) as box:
        with pytest.raises(AgentMisbehaved):
            await box.one("head -c 1000000 /dev/urandom > /proc/1/fd/1; sleep 60")
        assert await other.run("echo here") == "here\n"


@pytest.mark.parametrize("engine", [GVISOR], indirect=True)
async def test_update(engine: Engine, workshop: Workshop) -> None:
    """The memory limit can't be changed while a sandbox runs. It is said, and the sandbox runs on."""
    name = await workshop.make("while read line; do echo got $line; done")
    with pytest.raises(EngineUnavailable):
        await engine.update(name, 256 * MIB)
    console = await Console.of(engine, name)
    console.stream.write(b"x\n")
    await console.until(b"got x\n")
    console.stream.close()
