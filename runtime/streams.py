"""The byte stream a link runs on, as engines provide it and the link uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class ByteStream(Protocol):
    """Both directions of a link's carrier: a sandbox's standard input and output, or a socket.

    There is no back-pressure on reading: the link's credits bound what the other end may send, and a link that
    sees more than that closes the stream.
    """

    def start(self, receive: Callable[[bytes], None], closed: Callable[[], None]) -> None:
        """Begin to read. `receive` gets each piece as it comes, `closed` is called once, when no more will come.

        May be called again, to hand the stream to another reader; nothing is lost in between.
        """

    def write(self, data: bytes) -> None:
        """Queue bytes to be sent. Ignored once the stream is closed."""

    async def drain(self) -> None:
        """Wait until the queue is short enough to write more, or the stream is closed."""

    def close(self) -> None:
        """Close both directions at once; idempotent. What is still queued may be lost."""
