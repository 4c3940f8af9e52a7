from __future__ import annotations

import asyncio
import time

from runtime.egress.pace import QUICK_SECONDS, Pace


async def test_what_is_quick_is_done_in_ever_larger_pieces() -> None:
    """Up to the largest that is worth it."""
    pace = Pace(5000)
    for _ in range(50):
        pace.begin()
        await pace.end()
    assert pace.size == 5000


async def test_what_is_slow_is_done_in_ever_smaller_pieces() -> None:
    """And others have their turn in between."""
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    waiting = asyncio.create_task(other())
    pace = Pace(5000)
    before = pace.size
    for _ in range(3):
        pace.begin()
        time.sleep(2 * QUICK_SECONDS)  # noqa: ASYNC251 - this is the work
        await pace.end()
    waiting.cancel()
    assert pace.size == before // 8
    assert turns >= 3
