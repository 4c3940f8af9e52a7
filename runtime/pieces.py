"""Bytes that come in pieces: no more than are allowed, and in the size in which they go to and from a storage."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator

from runtime.errors import TooLarge

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


async def limited(pieces: AsyncIterable[bytes], max_bytes: int, param: str | None) -> AsyncGenerator[bytes]:
    """The same pieces. Raises TooLarge, with `param`, past `max_bytes`."""
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size > max_bytes:
            raise TooLarge(f"The content is larger than the {max_bytes} bytes that are allowed.", param=param)
        yield piece
