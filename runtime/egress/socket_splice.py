"""Bytes passed both ways between two sockets of this process, without a task for each piece."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from runtime.egress.bytes import ChannelBroken
from runtime.egress.denial import Denied
from runtime.egress.tcp import TcpChannel
from runtime.egress.turns import LARGE, in_turn

Count = Callable[[int], None]
"""Is told the size of each piece before it goes on; raises Denied where it mustn't."""


async def splice_sockets(one: TcpChannel, other: TcpChannel, from_one: Count, from_other: Count) -> None:
    """As runtime.egress.splice.splice. Afterwards the channels are good for being closed alone."""
    over = asyncio.get_running_loop().create_future()
    sides = _Side(one, from_one, over), _Side(other, from_other, over)
    for side, opposite in (sides, reversed(sides)):
        side.opposite = opposite
    waiting = [side.channel.hand_over(side) for side in sides]
    for side, data in zip(sides, waiting, strict=True):
        side.begin(data)
    await over


class _Side(asyncio.Protocol):
    """What becomes of the bytes that come from one side. When it has no room for more, the opposite one isn't read."""

    opposite: _Side

    def __init__(self, channel: TcpChannel, count: Count, over: asyncio.Future[None]) -> None:
        self.channel = channel
        self._count = count
        self._over = over
        self._has_room = True

    def begin(self, data: bytes) -> None:
        """Pass on what has come until now."""
        if data:
            self.data_received(data)
        if self.channel.received_end:
            self.eof_received()
        if self.channel.lost:
            self.connection_lost(None)

    def data_received(self, data: bytes) -> None:
        """Some bytes."""
        if self._over.done():
            return
        try:
            self._count(len(data))
        except Denied as denied:
            self._over.set_exception(denied)
        else:
            self.opposite.channel.write(data)
            if len(data) >= LARGE:
                self.channel.pause()
                in_turn(self._read_on)

    def eof_received(self) -> bool:
        """No more bytes from here; those from the opposite side still pass."""
        self.channel.eof_received()
        self.opposite.channel.end()
        self._finish_if_over()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Neither side has the other any more."""
        self.channel.connection_lost(exc)
        if not self._over.done():
            self._over.set_exception(ChannelBroken())

    def pause_writing(self) -> None:
        """The kernel has no room."""
        self._has_room = False
        self.opposite.channel.pause()

    def resume_writing(self) -> None:
        """The kernel has taken everything."""
        self._has_room = True
        self.opposite.channel.resume()
        self._finish_if_over()

    def _read_on(self) -> None:
        if self.opposite._has_room:
            self.channel.resume()

    def _finish_if_over(self) -> None:
        """Both have ended, and nothing is left here that would have to go on after the channels are closed."""
        sides = (self, self.opposite)
        if not self._over.done() and all(side.channel.received_end and side._has_room for side in sides):
            self._over.set_result(None)
