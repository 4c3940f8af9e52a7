"""Local disk, used without holding up the event loop."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from typing import TypeVar

from runtime.errors import StorageFull
from runtime.uninterrupted import uninterrupted

T = TypeVar("T")


async def on_disk(call: Callable[[], T], full: str = "The disk has no room left for what is being uploaded.") -> T:
    """Make a blocking call on a thread, to its end even if the task is cancelled.

    Raises StorageFull, with the message `full`, and OSError for other failures.
    """
    try:
        return await uninterrupted(asyncio.to_thread(call))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(full) from error
        raise
