from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from runtime.engines.daemon_threads import DaemonThreads

ENDS = """
import asyncio, threading
from runtime.engines.daemon_threads import DaemonThreads

async def main():
    stuck = asyncio.create_task(DaemonThreads(1, "test").run(threading.Event().wait))
    await asyncio.sleep(0.1)
    stuck.cancel()

asyncio.run(main())
"""


async def test_so_many_at_a_time() -> None:
    """Calls have a place each, in order; one that was cancelled keeps its own until it has ended."""
    threads, begun, may = DaemonThreads(2, "test"), list[int](), threading.Event()

    def call(number: int) -> int:
        begun.append(number)
        may.wait()
        return number

    calls = [asyncio.create_task(threads.run(lambda number=number: call(number))) for number in range(5)]  # type: ignore[misc]
    while len(begun) < 2:  # noqa: ASYNC110 - threads tell nobody
        await asyncio.sleep(0.01)
    calls[0].cancel()
    await asyncio.sleep(0.05)
    assert sorted(begun) == [0, 1]
    may.set()
    assert await asyncio.gather(*calls[1:]) == [1, 2, 3, 4]
    assert calls[0].cancelled()


async def test_what_a_call_raises() -> None:
    """It is the caller's, and the place is free."""
    threads = DaemonThreads(1, "test")
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await threads.run(lambda: 1 // 0)
    assert await threads.run(lambda: 1) == 1


def test_the_process_ends() -> None:
    """A call that never returns keeps no process from ending."""
    subprocess.run([sys.executable, "-c", ENDS], check=True, timeout=30)
