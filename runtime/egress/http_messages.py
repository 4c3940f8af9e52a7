"""HTTP/1.1 messages as they come in on a channel, one after the other."""

from __future__ import annotations

import re

from runtime.egress.bytes import ByteChannel
from runtime.egress.http_bodies import Body
from runtime.egress.http_framing import Framing
from runtime.egress.http_heads import Malformed
from runtime.egress.pace import Pace

MAX_HEAD = 64 * 1024
PIECE = 64 * 1024
"""Bytes that are worth to be sent."""

_END_OF_HEAD = re.compile(rb"\n\r?\n")


class Messages:
    """What comes from one side. Of each message first `head`, then `at_hand`, by its framing, until it is over."""

    def __init__(self, channel: ByteChannel) -> None:
        self._channel = channel
        self._waiting = bytearray()

    @property
    def more_is_there(self) -> bool:
        """Whether something has come already of what follows the message."""
        return bool(self._waiting)

    async def head(self) -> bytes | None:
        """A head as it came, None when nothing more comes. Raises Malformed when it is too long or ends too early."""
        looked_at = 0
        while (end := _END_OF_HEAD.search(self._waiting, looked_at)) is None:
            if len(self._waiting) > MAX_HEAD:
                break
            looked_at = max(0, len(self._waiting) - 2)
            data = await self._channel.receive()
            if not data and self._waiting:
                raise Malformed
            if not data:
                return None
            self._waiting += data
        if end is None or end.end() > MAX_HEAD:
            raise Malformed(431)
        head = bytes(self._waiting[: end.end()])
        del self._waiting[: end.end()]
        return head

    def at_hand(self, framing: Framing) -> bytes | None:
        """The next bytes of the body, empty when they haven't come yet, None when it is over. Raises Malformed."""
        return framing.take(self._waiting)

    async def more(self, framing: Framing) -> None:
        """Wait for more of the body to come. Raises Malformed when it is cut short."""
        if data := await self._channel.receive():
            self._waiting += data
        else:
            framing.end()


async def pass_on(messages: Messages, framing: Framing, sink: ByteChannel, head: bytes, body: Body) -> None:
    """Send a head, and the body of the message as it comes; what is there already in few pieces."""
    out = bytearray(head)
    pace = Pace(PIECE)
    while (data := messages.at_hand(framing)) is not None:
        if not data:
            if out:
                await sink.send(bytes(out))
                out.clear()
            await messages.more(framing)
        rest = memoryview(data)
        while rest:
            pace.begin()
            out += body.piece(rest[: pace.size])
            rest = rest[pace.size :]
            if rest:
                await pace.end()
            if len(out) >= PIECE:
                await sink.send(bytes(out))
                out.clear()
    out += body.end()
    if out:
        await sink.send(bytes(out))
