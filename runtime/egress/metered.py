"""A connection out of a sandbox whose bytes are counted."""

from __future__ import annotations

from collections.abc import Callable

from runtime.egress.connection import Connection
from runtime.egress.traffic import Allowance, Traffic


class MeteredConnection:
    """Implements ByteChannel: bytes of a connection are counted before they go on, and beyond the allowance never do.

    Receiving and sending raise Denied then. `moved` is called whenever bytes pass. Who takes them from the `connection`
    itself has to `count_sent` and `count_received`, by their number, as seen from the sandbox.
    """

    def __init__(
        self, connection: Connection, traffic: Traffic, allowance: Allowance, moved: Callable[[], None]
    ) -> None:
        self.connection = connection
        self._traffic = traffic
        self._allowance = allowance
        self._moved = moved

    async def receive(self) -> bytes:
        """See ByteChannel."""
        data = await self.connection.receive()
        self.count_sent(len(data))
        return data

    async def send(self, data: bytes) -> None:
        """See ByteChannel."""
        self.count_received(len(data))
        await self.connection.send(data)

    def end(self) -> None:
        """See ByteChannel."""
        self.connection.end()

    def close(self) -> None:
        """See ByteChannel."""
        self.connection.close()

    def count_sent(self, size: int) -> None:
        """Bytes are about to go on to the server. Raises Denied."""
        self._allowance.take(size)
        self._traffic.sent += size
        self._moved()

    def count_received(self, size: int) -> None:
        """Bytes are about to go on to the sandbox. Raises Denied."""
        self._allowance.take(size)
        self._traffic.received += size
        self._moved()
