"""The end of a connection that somebody is to hear."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from runtime.egress.bytes import ByteChannel, ChannelBroken

LINGER_SECONDS = 2.0


async def linger(channel: ByteChannel) -> None:
    """Send no more, and once the other side has room for all that was sent, give it some time to do the same.

    If the channel were closed at once, what was sent last might get lost by the reset. Raises what it is lost by.
    """
    rest = _Rest()
    channel.end()
    channel.hand_over(rest)
    channel.resume()
    await rest.sent.wait()
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            await rest.received


class _Rest(asyncio.Protocol):
    """What still comes is of no interest, only that it was all; and that all was `sent`."""

    def __init__(self) -> None:
        self.received = asyncio.get_running_loop().create_future()
        self.sent = asyncio.Event()
        self.sent.set()

    def eof_received(self) -> None:
        """No more bytes."""
        if not self.received.done():
            self.received.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side is gone."""
        self.sent.set()
        if not self.received.done():
            self.received.set_exception(exc or ChannelBroken())

    def pause_writing(self) -> None:
        """There is no room."""
        self.sent.clear()

    def resume_writing(self) -> None:
        """There is room again."""
        self.sent.set()
