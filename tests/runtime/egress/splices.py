"""Connections that the service splices, with the test at both ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from runtime.egress.bytes import ByteChannel
from runtime.egress.layer import Layer
from runtime.egress.splice import splice
from tests.runtime.egress.socket_pairs import Pair, socket_pair


class Counted(Layer):
    """Calls back with the size of all that comes, which may raise what that ends by."""

    def __init__(self, below: ByteChannel, count: Callable[[int], None]) -> None:
        super().__init__(below)
        self._count = count

    def data_received(self, data: bytes) -> None:
        """Some bytes."""
        self._count(len(data))
        super().data_received(data)


def anything(size: int) -> None:
    """Lets all through."""


@asynccontextmanager
async def spliced(
    from_one: Callable[[int], None] = anything, from_other: Callable[[int], None] = anything
) -> AsyncIterator[tuple[Pair, Pair, asyncio.Task[None]]]:
    """Two connections that are one."""
    async with socket_pair() as one, socket_pair() as other:
        splicing = asyncio.create_task(splice(Counted(one.channel, from_one), Counted(other.channel, from_other)))
        yield one, other, splicing
        splicing.cancel()
        await asyncio.wait([splicing])
