"""A connection out of a sandbox whose bytes are counted."""

from __future__ import annotations

from collections.abc import Callable

from runtime.egress.connection import Connection
from runtime.egress.traffic import Allowance, Traffic


class MeteredConnection:
    """A Connection whose bytes are counted, both ways, before they go on. What is beyond the allowance never does.

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
        """See Connection."""
        data = await self._connection.receive()
        self._allowance.take(len(data))
        self._traffic.sent += len(data)
        self._moved()
        return data

    async def send(self, data: bytes) -> None:
        """See Connection."""
        self._allowance.take(len(data))
        await self._connection.send(data)
        self._traffic.received += len(data)
        self._moved()

    def end(self) -> None:
        """See Connection."""
        self._connection.end()

    def close(self) -> None:
        """See Connection."""
        self._connection.close()

    def on_lost(self, callback: Callable[[], None]) -> None:
        """See Connection."""
        self._connection.on_lost(callback)
