"""A TCP connection to a server."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from ipaddress import IPv4Address, IPv6Address
from typing import cast

from runtime.egress.bytes import ChannelBroken

HIGH_WATER = 256 * 1024
"""Bytes that may wait to be read before the server is made to wait. The loop reads no more than that at once."""

RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # struct linger: on, for no time


class TcpChannel(asyncio.Protocol):
    """Implements ByteChannel."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._transport: asyncio.Transport
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._readable = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._received_end = False
        self._sent_end = False
        self._lost = False

    @classmethod
    async def connect(cls, address: IPv4Address | IPv6Address, port: int) -> TcpChannel:
        """Connect to an address; nothing is looked up. Raises OSError."""
        loop = asyncio.get_running_loop()
        sock = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(sock, (str(address), port))
        except BaseException:
            sock.close()
            raise
        _, channel = await loop.create_connection(lambda: cls(sock), sock=sock)
        return channel

    async def receive(self) -> bytes:
        """See ByteChannel."""
        await self._readable.wait()
        if self._waiting:
            data = self._waiting[0] if len(self._waiting) == 1 else b"".join(self._waiting)
            if self._size >= HIGH_WATER and not self._lost:
                self._transport.resume_reading()
            self._waiting.clear()
            self._size = 0
            if not (self._received_end or self._lost):
                self._readable.clear()
            return data
        if not self._received_end:
            raise ChannelBroken
        return b""

    async def send(self, data: bytes) -> None:
        """See ByteChannel. The kernel has all of it afterwards."""
        if not self._lost:
            self._transport.write(data)
            await self._writable.wait()
        if self._lost:
            raise ChannelBroken

    def end(self) -> None:
        """See ByteChannel."""
        if not (self._sent_end or self._lost):
            self._sent_end = True
            self._transport.write_eof()

    def close(self) -> None:
        """See ByteChannel."""
        if self._lost:
            return
        if self._received_end and self._sent_end:
            self._transport.close()
        else:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
            self._transport.abort()
        self.connection_lost(None)

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
        if before < HIGH_WATER <= self._size:
            self._transport.pause_reading()
        self._readable.set()

    def eof_received(self) -> bool:
        """The server sends no more; it may still be sent something."""
        self._received_end = True
        self._readable.set()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come, and nothing can be sent."""
        self._lost = True
        self._readable.set()
        self._writable.set()

    def pause_writing(self) -> None:
        """The kernel has no room."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The kernel has taken everything."""
        self._writable.set()
