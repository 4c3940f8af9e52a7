"""The byte stream a link runs on, as engines provide it and the link uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class ByteStream(Protocol):
    """Both directions of a link's carrier: a sandbox's standard input and output, or a socket.

    The other end isn't read from while it doesn't read: what it is told in answer would pile up. Both ends of a link
    have to go on reading, whatever they have to write.
    """

    def start(self, receive: Callable[[bytes], None], closed: Callable[[], None]) -> None:
        """Begin to read. `receive` gets each piece as it comes, `closed` is called once, when no more will come.

        May be called again, to hand the stream to another reader; nothing is lost in between.
        """

    def pause(self) -> None:
        """Read no more, until `resume`; idempotent."""

    def resume(self) -> None:
        """Read on; idempotent."""

    def write(self, data: bytes) -> None:
        """Queue bytes to be sent. Ignored once the stream is closed."""

    async def drain(self) -> None:
        """Wait until the queue is short enough to write more, or the stream is closed."""

    def close(self) -> None:
        """Close both directions at once; idempotent. What is still queued may be lost."""
