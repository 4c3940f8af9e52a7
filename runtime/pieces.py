"""The size in which bytes go to and from a storage."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator

PIECE = 1024**2
"""Bytes. A hop to a thread and back costs about as much as moving a tenth of this."""


async def gathered(pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of PIECE at least; only the last may be smaller. None is empty."""
    waiting: list[bytes] = []
    size = 0
    async for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= PIECE:
            yield b"".join(waiting)
            waiting, size = [], 0
    if size:
        yield b"".join(waiting)
