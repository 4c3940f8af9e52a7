"""A channel without anything below it: the test is its other side."""

from __future__ import annotations

import asyncio


class StubChannel:
    """Implements runtime.egress.bytes.ByteChannel. What the other side says, the test tells the `receiver`.

    What the other side hears is `heard`, and `has_ended` then.
    """

    def __init__(self) -> None:
        self.receiver: asyncio.Protocol
        self.heard = b""
        self.has_ended = False

    def hand_over(self, receiver: asyncio.Protocol) -> None:
        """See ByteChannel."""
        self.receiver = receiver

    def write(self, data: bytes) -> None:
        """See ByteChannel."""
        assert not self.has_ended
        self.heard += data

    def end(self) -> None:
        """See ByteChannel."""
        self.has_ended = True

    def pause(self) -> None:
        """See ByteChannel."""

    def resume(self) -> None:
        """See ByteChannel."""

    def close(self) -> None:
        """See ByteChannel."""
