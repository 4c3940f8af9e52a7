"""Bytes passed both ways, untouched."""

from __future__ import annotations

import asyncio

from runtime.egress.bytes import ByteChannel
from runtime.egress.metered import MeteredConnection
from runtime.egress.socket_splice import splice_sockets
from runtime.egress.tcp import TcpChannel


async def splice(client: MeteredConnection, server: TcpChannel) -> None:
    """Pass on what comes from each side to the other, until both have ended.

    No more is held than one piece in each direction: a side that doesn't read makes the other wait. What ends one
    direction otherwise ends both, and is raised.
    """
    if isinstance(client.connection, TcpChannel):
        await splice_sockets(client.connection, server, client.count_sent, client.count_received)
    else:
        await _splice_channels(client, server)


async def _splice_channels(client: ByteChannel, server: ByteChannel) -> None:
    try:
        async with asyncio.TaskGroup() as directions:
            directions.create_task(_pass_on(client, server))
            directions.create_task(_pass_on(server, client))
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


async def _pass_on(source: ByteChannel, sink: ByteChannel) -> None:
    while data := await source.receive():
        await sink.send(data)
    sink.end()
