"""A connection out of a sandbox whose bytes are counted."""

from __future__ import annotations

from collections.abc import Callable

from runtime.egress.connection import Connection
from runtime.egress.layer import Layer
from runtime.egress.traffic import Allowance, Traffic


class MeteredConnection(Layer):
    """Bytes of a connection are counted before they go on, and beyond the allowance never do: they are Denied then.

    `moved` is called whenever bytes pass.
    """

    def __init__(
        self, connection: Connection, traffic: Traffic, allowance: Allowance, moved: Callable[[], None]
    ) -> None:
        super().__init__(connection)
        self._connection = connection
        self._traffic = traffic
        self._allowance = allowance
        self._moved = moved

    async def receive(self) -> bytes:
        """See Connection."""
        data = await self._connection.receive()
        self._count_sent(len(data))
        return data

    def data_received(self, data: bytes) -> None:
        """Bytes for the server."""
        self._count_sent(len(data))
        self._above.data_received(data)

    def write(self, data: bytes) -> None:
        """See ByteChannel."""
        size = len(data)
        self._allowance.take(size)
        self._traffic.received += size
        self._moved()
        self._below.write(data)

    def _count_sent(self, size: int) -> None:
        """By the sandbox."""
        self._allowance.take(size)
        self._traffic.sent += size
        self._moved()
