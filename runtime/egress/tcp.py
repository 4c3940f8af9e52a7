"""A TCP connection: to a server, or from a program in a sandbox."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Self, cast

from runtime.egress.bytes import ChannelBroken
from runtime.egress.turns import LARGE, in_turn

RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # struct linger: on, for no time
END_AT_CLOSE = struct.pack("ii", 0, 0)


class TcpChannel(asyncio.Protocol):
    """Implements Connection; only that what is lost is always a ChannelBroken.

    The socket is its alone. Whatever ends this process resets it, so that nobody takes that for an end.
    """

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._readable = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self.received_end = False
        self._sent_end = False
        self.lost = False
        self._on_lost: list[Callable[[], None]] = []

    @classmethod
    async def connect(cls, address: IPv4Address | IPv6Address, port: int) -> Self:
        """Connect to an address; nothing is looked up. Raises OSError."""
        _, channel = await asyncio.get_running_loop().create_connection(cls, str(address), port)
        channel._linger(RESET_AT_CLOSE)
        return channel

    @classmethod
    async def over(cls, sock: socket.socket) -> Self:
        """Take over a connected socket that nobody else has. Raises OSError."""
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
            _, channel = await asyncio.get_running_loop().create_connection(cls, sock=sock)
        except BaseException:
            sock.close()
            raise
        return channel

    async def receive(self) -> bytes:
        """See ByteChannel."""
        await self._readable.wait()
        if self._waiting:
            data = self._waiting[0] if len(self._waiting) == 1 else b"".join(self._waiting)
            if self._size >= LARGE:
                in_turn(self._read_on)
            self._waiting.clear()
            self._size = 0
            if not (self.received_end or self.lost):
                self._readable.clear()
            return data
        if not self.received_end:
            raise ChannelBroken
        return b""

    async def send(self, data: bytes) -> None:
        """See ByteChannel. The kernel has all of it afterwards."""
        self.write(data)
        await self._writable.wait()
        if self.lost:
            raise ChannelBroken

    def end(self) -> None:
        """See ByteChannel."""
        if not (self._sent_end or self.lost):
            self._sent_end = True
            self._transport.write_eof()

    def close(self) -> None:
        """See ByteChannel."""
        self._on_lost.clear()
        if not self.lost and self.received_end and self._sent_end:
            self._linger(END_AT_CLOSE)
            self._transport.close()
            self.connection_lost(None)
        else:
            self.cut_off()

    def cut_off(self) -> None:
        """Be lost, here and for the other side; idempotent."""
        if not self.lost:
            self._transport.abort()
            self.connection_lost(None)

    def on_lost(self, callback: Callable[[], None]) -> None:
        """See Connection."""
        self._on_lost.append(callback)
        if self.lost:
            self._tell()

    def hand_over(self, protocol: asyncio.Protocol) -> bytes:
        """Let `protocol` have what comes from now on, in place of `receive`. What came already is the result.

        It is told when the kernel has no room, and when it has some again. It tells this of the end, and of the loss.
        """
        waiting = b"".join(self._waiting)
        self._waiting.clear()
        self._transport.set_protocol(protocol)
        self.resume()
        return waiting

    def write(self, data: bytes) -> None:
        """Send bytes without waiting: what the kernel has no room for is kept."""
        if not self.lost:
            self._transport.write(data)

    def pause(self) -> None:
        """Read no more for now; idempotent."""
        if not self.lost:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again; idempotent."""
        if not (self.lost or self.received_end):
            self._transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ready."""
        self._transport = cast(asyncio.Transport, transport)
        # What is sent waits in the kernel alone: then nothing is left to be done when both sides have ended.
        self._transport.set_write_buffer_limits(high=0)

    def data_received(self, data: bytes) -> None:
        """Some bytes from the server."""
        before = self._size
        self._waiting.append(data)
        self._size += len(data)
        if before < LARGE <= self._size:
            self._transport.pause_reading()
        self._readable.set()

    def eof_received(self) -> bool:
        """The server sends no more; it may still be sent something."""
        self.received_end = True
        self._readable.set()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come, and nothing can be sent."""
        self.lost = True
        self._readable.set()
        self._writable.set()
        self._tell()

    def pause_writing(self) -> None:
        """The kernel has no room."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The kernel has taken everything."""
        self._writable.set()

    def _read_on(self) -> None:
        if self._transport.get_protocol() is self:  # or it was handed over meanwhile
            self.resume()

    def _linger(self, how: bytes) -> None:
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, how)

    def _tell(self) -> None:
        for callback in self._on_lost:
            asyncio.get_running_loop().call_soon(callback)
        self._on_lost.clear()
