"""Bytes both ways, whatever carries them: a connection out of a sandbox, a server's socket, TLS over either."""

from __future__ import annotations

from typing import Protocol


class ByteChannel(Protocol):
    """Two directions of bytes that end independently. Used by one reader and one writer at a time.

    Reading and writing raise ChannelBroken once the other side is gone, or SandboxLost where it is the sandbox's.
    """

    async def receive(self) -> bytes:
        """The next bytes, all that wait (up to 1 MiB); none when no more will come."""

    async def send(self, data: bytes) -> None:
        """Send bytes, waiting until the other side has room for them."""

    def end(self) -> None:
        """No more will be sent: the other side reads the end. Idempotent."""

    def close(self) -> None:
        """Let go of it; idempotent. Unless both directions had ended, the other side sees a reset."""


class ChannelBroken(Exception):
    """The other side is gone: it reset the connection, or nothing gets through to it any more."""
