"""Work that can't be called off half-way: a call on a thread, a request that is on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def uninterrupted(work: Awaitable[T], grace: float | None = None) -> T:
    """Wait for `work` to end, even if the waiting task is cancelled; the cancellation is passed on afterwards.

    So nothing is under way any more when its owner cleans up after it. The work has to end by itself, or else after
    `grace` more seconds it is cancelled too.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):
                _, late = await asyncio.wait({task}, timeout=grace)
                for one in late:
                    one.cancel()
        raise
