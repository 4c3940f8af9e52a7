"""HTTP/1.1 messages as they come in on a channel, one after the other."""

from __future__ import annotations

import re

import h11

from runtime.egress.bytes import ByteChannel
from runtime.egress.http_bodies import Body
from runtime.egress.pace import Pace

MAX_HEAD = 64 * 1024
PIECE = 64 * 1024
"""Bytes that are worth to be sent."""

_END_OF_HEAD = re.compile(rb"\n\r?\n")


class Malformed(Exception):
    """Not HTTP/1.1. `status` is what a server would answer."""

    def __init__(self, status: int = 400) -> None:
        super().__init__("Not HTTP/1.1.")
        self.status = status


class Messages:
    """What comes from one side. Of each message first `head`, then `parsed`, then `at_hand` until it is over."""

    def __init__(self, channel: ByteChannel) -> None:
        self._channel = channel
        self._waiting = bytearray()
        self._parser: h11.Connection

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

    def parsed(self, head: bytes, parser: h11.Connection) -> object:
        """What it means to `parser`, whose turn it is to get a head. Raises Malformed."""
        self._parser = parser
        parser.receive_data(head)
        return self._event()

    def at_hand(self) -> bytes | None:
        """The next bytes of the body, empty when they haven't come yet, None when it is over. Raises Malformed."""
        if self._waiting:
            self._parser.receive_data(bytes(self._waiting))
            self._waiting.clear()
        event = self._event()
        if isinstance(event, h11.Data):
            return event.data
        if isinstance(event, h11.EndOfMessage):
            self._waiting += self._parser.trailing_data[0]
            return None
        return b""

    async def more(self) -> None:
        """Wait for more of the body to come."""
        self._parser.receive_data(await self._channel.receive())

    def _event(self) -> object:
        try:
            return self._parser.next_event()
        except h11.RemoteProtocolError as error:
            raise Malformed(error.error_status_hint) from None  # without its text, which may be a header's


async def pass_on(messages: Messages, sink: ByteChannel, head: bytes, body: Body) -> None:
    """Send a head, and the body of the message as it comes; what is there already in few pieces."""
    out = bytearray(head)
    pace = Pace(PIECE)
    while (data := messages.at_hand()) is not None:
        if not data:
            if out:
                await sink.send(bytes(out))
                out.clear()
            await messages.more()
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
