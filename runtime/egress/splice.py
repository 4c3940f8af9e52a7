"""Bytes passed both ways, untouched."""

from __future__ import annotations

import asyncio

from runtime.egress.bytes import ByteChannel


async def splice(one: ByteChannel, other: ByteChannel) -> None:
    """Pass on what comes from each side to the other, until both have ended.

    No more is held than one piece in each direction: a side that doesn't read makes the other wait. What ends one
    direction otherwise ends both, and is raised.
    """
    try:
        async with asyncio.TaskGroup() as directions:
            directions.create_task(_pass_on(one, other))
            directions.create_task(_pass_on(other, one))
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


async def _pass_on(source: ByteChannel, sink: ByteChannel) -> None:
    while data := await source.receive():
        await sink.send(data)
    sink.end()
