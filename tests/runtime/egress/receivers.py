"""What is at the end of a channel, in tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Told(asyncio.Protocol):
    """A receiver that notes what it is told."""

    def __init__(self) -> None:
        self.data = b""
        self.ends = 0
        self.lost: list[Exception | None] = []
        self.has_room = True
        self._changed = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        """Some bytes, while there was no end."""
        assert data
        assert not self.ends
        self.data += data
        self._changed.set()

    def eof_received(self) -> None:
        """The end."""
        self.ends += 1
        self._changed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The loss."""
        self.lost.append(exc)
        self._changed.set()

    def pause_writing(self) -> None:
        """No room."""
        self.has_room = False

    def resume_writing(self) -> None:
        """Room again."""
        self.has_room = True
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for it."""
        while not condition():
            self._changed.clear()
            await self._changed.wait()
