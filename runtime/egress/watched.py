"""A server's channel, watched while nothing is expected of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from runtime.egress.bytes import ByteChannel, ChannelBroken


class WatchedChannel:
    """Implements ByteChannel, for requests and answers in turn.

    What is sent to a server that is gone is lost, and that is all: what it has said before can still be read.
    """

    def __init__(self, channel: ByteChannel) -> None:
        self.is_over = False
        self._channel = channel
        self._ahead: asyncio.Task[bytes] | None = None
        self._watching = False

    def watch(self, over: Callable[[], None]) -> None:
        """From now on nothing is expected: when the server says something, or ends, `is_over` and it is called back."""

        def look(ahead: asyncio.Task[bytes]) -> None:
            if self._watching and not ahead.cancelled():
                ahead.exception()  # it is over, however that came
                self.is_over = True
                over()

        self._watching = True
        self._ahead = asyncio.get_running_loop().create_task(self._channel.receive())
        self._ahead.add_done_callback(look)

    def expect(self) -> None:
        """From now on an answer is expected."""
        self._watching = False

    async def receive(self) -> bytes:
        """See ByteChannel."""
        ahead, self._ahead = self._ahead, None
        return await (self._channel.receive() if ahead is None else ahead)

    async def send(self, data: bytes) -> None:
        """See ByteChannel."""
        with suppress(ChannelBroken):
            await self._channel.send(data)

    def end(self) -> None:
        """See ByteChannel."""
        self._channel.end()

    def close(self) -> None:
        """See ByteChannel."""
        if self._ahead is not None:
            self._ahead.cancel()
        self._channel.close()
