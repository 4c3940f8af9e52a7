"""Bodies that behave badly, or wait until they are told to go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator


class Interruption(Exception):
    """What a body fails with."""


class PausedBody:
    """A body that waits after its first piece: `paused` tells that it does, `go_on` that it may give the second."""

    def __init__(self, first: bytes, second: bytes = b"") -> None:
        self.paused = asyncio.Event()
        self.go_on = asyncio.Event()
        self._first = first
        self._second = second

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._first
        self.paused.set()
        await self.go_on.wait()
        yield self._second


class EndlessBody:
    """Zeros without end. `size` is how many of them were taken."""

    def __init__(self) -> None:
        self.size = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.size += 1000
            yield bytes(1000)
