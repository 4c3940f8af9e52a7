"""What has to hold between blobs and records, whatever has happened."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress

from runtime.errors import SandlotError
from runtime.store.base import Store
from tests.runtime.blobs.storages import Storage as Place


async def agreed(place: Place, store: Store) -> set[str]:
    """The ids of the blobs that are recorded: they are all there, whole, and nothing else is."""
    recorded = await store.blobs.ids()
    assert set(place.traces()) == recorded
    return set(recorded)


async def cancelled(call: Awaitable[object], after: float) -> None:
    """Make a call and cancel it after so many seconds, twice even, whatever it is at. It may refuse, or have ended."""
    task = asyncio.ensure_future(call)
    await asyncio.sleep(after)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError, SandlotError):
        await task


def moments(took: float, number: int) -> list[float]:
    """When to cancel what takes so many seconds: from its beginning on until after its end."""
    return [1.25 * took * step / number for step in range(number)]


async def seconds(call: Awaitable[object]) -> float:
    """How long a call lasts."""
    before = time.monotonic()
    await call
    return time.monotonic() - before
