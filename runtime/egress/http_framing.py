"""Where the body of an HTTP/1.1 message ends, in what follows its head."""

from __future__ import annotations

from typing import Protocol

import h11

from runtime.egress.http_heads import MAX_HEAD, Fields, Malformed

# What makes h11 read chunks.
_BEFORE_CHUNKS = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


class Framing(Protocol):
    """How one body is taken out of a stream."""

    def take(self, waiting: bytearray) -> bytes | None:
        """The next bytes of the body, taken from those `waiting`; empty when they haven't come yet, None at its end.

        Raises Malformed.
        """

    def end(self) -> None:
        """The stream has ended. Raises Malformed unless that is an end of the body too."""


class Counted:
    """So many bytes."""

    def __init__(self, size: int) -> None:
        self._left = size

    def take(self, waiting: bytearray) -> bytes | None:
        """See Framing."""
        if self._left == 0:
            return None
        piece = bytes(waiting[: self._left])
        del waiting[: self._left]
        self._left -= len(piece)
        return piece

    def end(self) -> None:
        """See Framing."""
        raise Malformed


class InChunks:
    """Chunks, whose extensions and trailers are of no interest."""

    def __init__(self) -> None:
        self._reader = h11.Connection(h11.SERVER, MAX_HEAD)
        self._reader.receive_data(_BEFORE_CHUNKS)
        self._reader.next_event()

    def take(self, waiting: bytearray) -> bytes | None:
        """See Framing."""
        if waiting:
            self._reader.receive_data(bytes(waiting))
            waiting.clear()
        try:
            event = self._reader.next_event()
        except h11.RemoteProtocolError:
            raise Malformed from None
        if isinstance(event, h11.Data):
            return event.data
        if isinstance(event, h11.EndOfMessage):
            waiting += self._reader.trailing_data[0]
            return None
        return b""

    def end(self) -> None:
        """See Framing."""
        raise Malformed


class UntilTheEnd:
    """All that comes."""

    def __init__(self) -> None:
        self._ended = False

    def take(self, waiting: bytearray) -> bytes | None:
        """See Framing."""
        if self._ended:
            return None
        piece = bytes(waiting)
        waiting.clear()
        return piece

    def end(self) -> None:
        """See Framing."""
        self._ended = True


def said_by(fields: Fields) -> Framing | None:
    """What a message's headers say, chunks being believed rather than a length; None if nothing. Raises Malformed."""
    if (coding := fields.values.get(b"transfer-encoding")) is not None:
        if coding.lower() != b"chunked":
            raise Malformed
        return InChunks()
    length = fields.values.get(b"content-length")
    return None if length is None else Counted(int(length))
