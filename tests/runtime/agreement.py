"""What has to hold between blobs and records, whatever has happened."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from runtime.errors import SandlotError
from runtime.store.base import Store
from tests.runtime.blobs.storages import Storage as Place


async def agreed(place: Place, store: Store) -> set[str]:
    """The ids of the blobs that are recorded: they are all there, whole, and nothing else is."""
    recorded = await store.blobs.ids()
    assert set(place.traces()) == recorded
    return set(recorded)


async def cancelled_everywhere(times: int, call: Callable[[], Awaitable[object]], took: float) -> None:
    """Make a call again and again, and cancel it ever later, twice even, from its beginning until after its end.

    `took` is how many seconds it lasts. It may refuse.
    """
    for number in range(times):
        task = asyncio.ensure_future(call())
        await asyncio.sleep(1.25 * took * number / times)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError, SandlotError):
            await task


async def seconds(call: Awaitable[object]) -> float:
    """How long a call lasts."""
    before = time.monotonic()
    await call
    return time.monotonic() - before
