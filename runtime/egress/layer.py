"""Channels of bytes above other ones."""

from __future__ import annotations

import asyncio

from runtime.egress.bytes import ByteChannel


class Layer(asyncio.Protocol):
    """Implements ByteChannel by the one `below`, whose receiver it is. What a subclass doesn't change passes as it is.

    What its methods raise of what they are told, is told to the receiver as the loss of the other side.
    """

    def __init__(self, below: ByteChannel) -> None:
        self._below = below
        self._above: asyncio.Protocol

    def hand_over(self, receiver: asyncio.Protocol) -> None:
        """See ByteChannel."""
        self._above = receiver
        self._below.hand_over(self)

    def write(self, data: bytes) -> None:
        """See ByteChannel."""
        self._below.write(data)

    def end(self) -> None:
        """See ByteChannel."""
        self._below.end()

    def pause(self) -> None:
        """See ByteChannel."""
        self._below.pause()

    def resume(self) -> None:
        """See ByteChannel."""
        self._below.resume()

    def close(self) -> None:
        """See ByteChannel."""
        self._below.close()

    def data_received(self, data: bytes) -> None:
        """Some bytes."""
        self._above.data_received(data)

    def eof_received(self) -> None:
        """No more bytes."""
        self._above.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side is gone."""
        self._above.connection_lost(exc)

    def pause_writing(self) -> None:
        """There is no room."""
        self._above.pause_writing()

    def resume_writing(self) -> None:
        """There is room again."""
        self._above.resume_writing()
