"""A transport that sends together what is written in one go."""

from __future__ import annotations

import asyncio
from typing import Any

SMALL = 16 * 1024  # bytes that are worth a copy to be sent along with others


class GatheringTransport(asyncio.Transport):
    """Another transport, to which small pieces go in one write: with `flush`, or at the end of the event loop's turn.

    A response's head and body come in two. Each write is a packet, and may wake the client for half of a response.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._unsent: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send it, soon."""
        self._unsent.append(bytes(data))
        if len(data) > SMALL:
            self.flush()
        elif len(self._unsent) == 1:
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Send what was written."""
        if self._unsent:
            data = b"".join(self._unsent)
            self._unsent.clear()
            if not self._transport.is_closing():
                self._transport.write(data)

    def close(self) -> None:
        """Hang up when all is sent."""
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        """Hang up, whatever is not sent yet."""
        self._transport.abort()

    def get_write_buffer_size(self) -> int:
        """How many bytes the kernel doesn't take yet."""
        return self._transport.get_write_buffer_size()

    def is_closing(self) -> bool:
        """Whether it hangs up, or has."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """Read no more for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Go on reading."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What is known about the connection."""
        return self._transport.get_extra_info(name, default)
