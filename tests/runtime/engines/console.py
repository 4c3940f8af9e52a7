"""The far end of a sandbox's standard input and output, for tests to wait at."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

from runtime.engines.base import Engine
from runtime.streams import ByteStream

PATIENCE = 60.0


class Console:
    """Keeps what a stream gives."""

    def __init__(self, stream: ByteStream) -> None:
        self.stream = stream
        self.received = bytearray()
        self.ended = False
        self._changed = asyncio.Event()
        stream.start(self._receive, self._closed)

    @classmethod
    async def of(cls, engine: Engine, name: str) -> Self:
        """Attached to a sandbox."""
        return cls(await engine.attach(name))

    async def until(self, text: bytes) -> None:
        """Wait until that has come."""
        await self.when(lambda: text in self.received)

    async def when(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds of what has come."""
        async with asyncio.timeout(PATIENCE):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    def _receive(self, data: bytes) -> None:
        self.received += data
        self._changed.set()

    def _closed(self) -> None:
        self.ended = True
        self._changed.set()


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until an awaitable check gives something true."""
    async with asyncio.timeout(PATIENCE):
        while not await holds():  # noqa: ASYNC110 - an engine tells nobody
            await asyncio.sleep(0.05)
