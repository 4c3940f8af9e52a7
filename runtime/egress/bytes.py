"""Bytes both ways, whatever carries them: a connection out of a sandbox, a server's socket, TLS over either."""

from __future__ import annotations

import asyncio
from typing import Protocol


class ByteChannel(Protocol):
    """Two directions of bytes that end independently. What comes is told to a receiver, as asyncio tells protocols.

    That is: bytes; their end, once; whether there is room for what is sent. When the other side is lost, nothing is
    told after that, and the reason is ChannelBroken, SandboxLost where it was the sandbox's side, or whatever error the
    receiver, or a channel in between, has made of some bytes, such as Denied.
    """

    def hand_over(self, receiver: asyncio.Protocol) -> None:
        """Tell `receiver` from now on, instead of another one; at once what a new one can't know otherwise."""

    def write(self, data: bytes) -> None:
        """Send bytes without waiting. What there is no room for is kept: the receiver is told to pause.

        Raises ChannelBroken where it is certain that nothing can be sent, Denied where it mustn't.
        """

    def end(self) -> None:
        """No more will be sent: after what is kept, the other side reads the end. Idempotent."""

    def pause(self) -> None:
        """Take no more for now, so that the other side has to wait; idempotent. Some may still come."""

    def resume(self) -> None:
        """Take more again; idempotent."""

    def close(self) -> None:
        """Let go of it, and tell nothing more; idempotent. Unless both directions had ended, the other side sees a
        reset."""


class ChannelBroken(Exception):
    """The other side is gone: it reset the connection, or nothing gets through to it any more."""
