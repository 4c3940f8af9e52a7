"""A connection out of a sandbox whose bytes are counted."""

from __future__ import annotations

from collections.abc import Callable

from runtime.egress.connection import Connection
from runtime.egress.traffic import Allowance, Traffic


class MeteredConnection:
    """Implements ByteChannel: bytes of a connection are counted before they go on, and beyond the allowance never do.

    Receiving and sending raise Denied then. `moved` is called whenever bytes have passed.
    """

    def __init__(
        self, connection: Connection, traffic: Traffic, allowance: Allowance, moved: Callable[[], None]
    ) -> None:
        self._connection = connection
        self._traffic = traffic
        self._allowance = allowance
        self._moved = moved

    async def receive(self) -> bytes:
        """See ByteChannel."""
        data = await self._connection.receive()
        self._allowance.take(len(data))
        self._traffic.sent += len(data)
        self._moved()
        return data

    async def send(self, data: bytes) -> None:
        """See ByteChannel."""
        self._allowance.take(len(data))
        await self._connection.send(data)
        self._traffic.received += len(data)
        self._moved()

    def end(self) -> None:
        """See ByteChannel."""
        self._connection.end()

    def close(self) -> None:
        """See ByteChannel."""
        self._connection.close()
