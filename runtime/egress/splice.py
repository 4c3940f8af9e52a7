"""Bytes passed both ways, untouched."""

from __future__ import annotations

import asyncio

from runtime.egress.bytes import ByteChannel, ChannelBroken


async def splice(client: ByteChannel, server: ByteChannel) -> None:
    """Pass on what comes from each side to the other, until both have ended and there was room for everything.

    A side that doesn't read makes the other wait. What ends one direction otherwise ends both, and is raised.
    """
    over = asyncio.get_running_loop().create_future()
    sides = _Side(client, over), _Side(server, over)
    for side, opposite in (sides, reversed(sides)):
        side.opposite = opposite
    for side in sides:
        side.channel.hand_over(side)
    await over


class _Side(asyncio.Protocol):
    """What becomes of the bytes that come from one side. When it has no room for more, the opposite one isn't read."""

    opposite: _Side

    def __init__(self, channel: ByteChannel, over: asyncio.Future[None]) -> None:
        self.channel = channel
        self._over = over
        self._has_ended = False
        self._has_room = True

    def data_received(self, data: bytes) -> None:
        """Some bytes."""
        if not self._over.done():
            self.opposite.channel.write(data)

    def eof_received(self) -> None:
        """No more bytes from here; those from the opposite side still pass."""
        self._has_ended = True
        self.opposite.channel.end()
        self._finish_if_over()

    def connection_lost(self, exc: Exception | None) -> None:
        """Neither side has the other any more."""
        if not self._over.done():
            self._over.set_exception(exc or ChannelBroken())

    def pause_writing(self) -> None:
        """There is no room."""
        self._has_room = False
        self.opposite.channel.pause()

    def resume_writing(self) -> None:
        """There is room again."""
        self._has_room = True
        self.opposite.channel.resume()
        self._finish_if_over()

    def _finish_if_over(self) -> None:
        """Both have ended, and nothing is left here that would have to go on after the channels are closed."""
        sides = (self, self.opposite)
        if not self._over.done() and all(side._has_ended and side._has_room for side in sides):
            self._over.set_result(None)
