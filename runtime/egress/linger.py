"""The end of a connection that somebody is to hear."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from runtime.egress.bytes import ByteChannel

LINGER_SECONDS = 2.0


async def linger(channel: ByteChannel) -> None:
    """Send no more, and give the other side some time to do the same.

    If the channel were closed at once, what was sent last might get lost by the reset.
    """
    channel.end()
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while await channel.receive():
                pass
