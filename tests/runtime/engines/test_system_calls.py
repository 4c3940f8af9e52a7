"""Which system calls code in a sandbox on the host's own kernel may make."""

from __future__ import annotations

import pytest

from runtime.values import ExitOutcome
from tests.runtime.link.box import Box

# Numbers on x86_64 and on aarch64, and arguments with which the call would get further than the filter.
FORBIDDEN = {
    "ptrace": (101, 117, "0, 0, 0, 0"),
    "process_vm_readv": (310, 270, "1, 0, 0, 0, 0, 0"),
    "keyctl": (250, 219, "0, -3, 0"),
    "add_key": (248, 217, "0, 0, 0, 0, 0"),
    "bpf": (321, 280, "0, 0, 0"),
    "perf_event_open": (298, 241, "0, 0, -1, -1, 0"),
    "userfaultfd": (323, 282, "1"),
    "io_uring_setup": (425, 425, "1, 0"),
    "open_by_handle_at": (304, 265, "0, 0, 0"),
    "pidfd_getfd": (438, 438, "0, 0, 0"),
    "kcmp": (312, 272, "1, 1, 0, 0, 0"),
    "unshare": (272, 97, "0x10000000"),  # a user namespace
    "setns": (308, 268, "0, 0"),
    "clone with a user namespace": (56, 220, "0x10000011, 0, 0, 0, 0"),
    "clone with a network namespace": (56, 220, "0x40000011, 0, 0, 0, 0"),
    "mount": (165, 40, "0, 0, 0, 0, 0"),
    "pivot_root": (155, 41, "0, 0"),
    "chroot": (161, 51, "b'/'"),
    "init_module": (175, 105, "0, 0, 0"),
    "kexec_load": (246, 104, "0, 0, 0, 0"),
    "reboot": (169, 142, "0, 0, 0"),
    "swapon": (167, 224, "0, 0"),
    "acct": (163, 89, "0"),
    "clock_settime": (227, 112, "0, 0"),
    "personality": (135, 92, "0x0400000"),  # READ_IMPLIES_EXEC
    "another process's limits": (302, 261, "1, 7, 0, 0"),
}

CALL = """
import ctypes, platform
libc = ctypes.CDLL(None, use_errno=True)
number = dict(x86_64={}, aarch64={})[platform.machine()]
result = libc.syscall(number, {})
print('allowed' if result >= 0 else ctypes.get_errno())
"""

EPERM, ENOSYS = "1\n", "38\n"


@pytest.mark.parametrize("name", FORBIDDEN)
async def test_forbidden_calls(inside: Box, name: str) -> None:
    """Calls that reach for other processes, the kernel or namespaces are refused before they are looked at."""
    assert await inside.run(f'python3 -c "{CALL.format(*FORBIDDEN[name])}"') == EPERM


async def test_clone3(inside: Box) -> None:
    """The call whose flags no filter sees isn't there, so that the C library falls back on one that can be seen."""
    assert await inside.run(f'python3 -c "{CALL.format(435, 435, "0, 0")}"') == ENOSYS


async def test_what_a_host_has_once(inside: Box) -> None:
    """Nothing can be taken of the asynchronous requests that a whole host has; there are none, as programs see it."""
    context = "128, ctypes.byref(ctypes.c_ulong(0))"
    assert await inside.run(f'python3 -c "{CALL.format(206, 0, context)}"') == ENOSYS
    for number in ((207, 1), (208, 4), (209, 2), (210, 3), (333, 292)):  # what is done with them
        assert await inside.run(f'python3 -c "{CALL.format(*number, "0, 0, 0, 0, 0, 0")}"') == EPERM


@pytest.mark.parametrize("family", [17, 29, 38, 40, 44])
async def test_forbidden_sockets(inside: Box, family: int) -> None:
    """No sockets but those of Unix and the internet: no packets, CAN, crypto, virtual machines or XDP."""
    output = await inside.one(f'python3 -c "import socket; socket.socket({family}, socket.SOCK_RAW)"')
    assert output.outcome == ExitOutcome(1)
    assert "Operation not permitted" in output.stderr


@pytest.mark.parametrize(
    "code",
    [
        "import threading; t = [threading.Thread(target=int) for _ in 'x' * 50]; [x.start() for x in t]",
        "import os; pid = os.fork(); pid or os._exit(0); os.waitpid(pid, 0)",
        "import multiprocessing as m; m.Pool(2).map(int, '123')",
        "import subprocess; subprocess.run(['true'], check=True)",
        "import asyncio; asyncio.run(asyncio.create_subprocess_exec('true'))",
        "import socket; a, b = socket.socketpair(); socket.socket(socket.AF_INET6).close()",
        "import mmap, os; mmap.mmap(-1, 2**20); os.memfd_create('x'); os.eventfd(0)",
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 8192))",
        "import os, signal; os.pidfd_open(os.getpid()); os.nice(1); os.sched_setaffinity(0, os.sched_getaffinity(0))",
        "import tempfile, shutil; d = tempfile.mkdtemp(); shutil.rmtree(d)",
        "import numpy; numpy.linalg.svd(numpy.ones((300, 300)))",
    ],
)
async def test_what_programs_need(inside: Box, code: str) -> None:
    """Threads, processes, sockets, memory and files work as ever."""
    output = await inside.one(f'python3 -c "{code}"')
    assert output.outcome == ExitOutcome(0), output.stderr


async def test_other_programs(inside: Box) -> None:
    """Tools with threads and pipes of their own run."""
    assert (
        await inside.run(
            "git init -q x && cd x && git -c user.name=a -c user.email=b commit -qm x --allow-empty; cd ..; rm -rf x"
        )
        == ""
    )
    assert await inside.run("seq 100000 | xz -T2 | xz -d | tail -1") == "100000\n"
