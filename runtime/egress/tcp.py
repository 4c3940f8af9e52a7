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
from runtime.turns import LARGE, in_turn

RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # struct linger: on, for no time
END_AT_CLOSE = struct.pack("ii", 0, 0)


class TcpChannel(asyncio.Protocol):
    """Implements Connection; only that what is lost is always a ChannelBroken.

    The socket is its alone. Whatever ends this process resets it, so that nobody takes that for an end. As long as it
    has no receiver it reads all the same, though not much, to notice a loss.
    """

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._receiver: asyncio.Protocol | None = None
        self._waiting: deque[bytes] = deque()  # for a receiver
        self._size = 0
        self._readable = asyncio.Event()
        self._is_paused = False
        self._awaits_turn = False
        self._has_room = True
        self._received_end = False
        self._sent_end = False
        self._lost = False
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
        """See Connection."""
        await self._readable.wait()
        if self._waiting:
            data = self._taken()
            if not (self._received_end or self._lost):
                self._readable.clear()
            return data
        if not self._received_end:
            raise ChannelBroken
        return b""

    def hand_over(self, receiver: asyncio.Protocol) -> None:
        """See ByteChannel."""
        self._receiver = receiver
        if not self._has_room:
            receiver.pause_writing()
        if self._waiting:
            self._tell(receiver, self._taken())
        if self._received_end:
            receiver.eof_received()
        if self._lost:
            receiver.connection_lost(ChannelBroken())

    def write(self, data: bytes) -> None:
        """See ByteChannel."""
        if not self._lost:
            self._transport.write(data)

    def end(self) -> None:
        """See ByteChannel."""
        if not (self._sent_end or self._lost):
            self._sent_end = True
            self._transport.write_eof()

    def pause(self) -> None:
        """See ByteChannel."""
        self._is_paused = True
        self._read_or_wait()

    def resume(self) -> None:
        """See ByteChannel."""
        self._is_paused = False
        self._read_or_wait()

    def close(self) -> None:
        """See ByteChannel."""
        self._receiver = None
        self._on_lost.clear()
        if not self._lost and self._received_end and self._sent_end:
            self._linger(END_AT_CLOSE)
            self._transport.close()
            self.connection_lost(None)
        else:
            self.cut_off()

    def cut_off(self) -> None:
        """Be lost, here and for the other side; idempotent."""
        if not self._lost:
            self._transport.abort()
            self.connection_lost(None)

    def on_lost(self, callback: Callable[[], None]) -> None:
        """See Connection."""
        self._on_lost.append(callback)
        if self._lost:
            self._call_back()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ready."""
        self._transport = cast(asyncio.Transport, transport)
        # What is sent waits in the kernel alone: then nothing is left to be done when both sides have ended.
        self._transport.set_write_buffer_limits(high=0)

    def data_received(self, data: bytes) -> None:
        """Some bytes."""
        if self._receiver is None:
            self._waiting.append(data)
            self._size += len(data)
            self._readable.set()
            if self._size >= LARGE:
                self._awaits_turn = True
                self._read_or_wait()
            return
        if len(data) >= LARGE:
            self._awaits_turn = True
            self._read_or_wait()
            in_turn(self._read_on)
        self._tell(self._receiver, data)

    def eof_received(self) -> bool:
        """The other side sends no more; it may still be sent something."""
        self._received_end = True
        self._readable.set()
        if self._receiver is not None:
            self._receiver.eof_received()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come, and nothing can be sent."""
        if self._lost:
            return
        self._lost = True
        self._readable.set()
        if self._receiver is not None:
            self._receiver.connection_lost(ChannelBroken())
        self._call_back()

    def pause_writing(self) -> None:
        """The kernel has no room."""
        self._has_room = False
        if self._receiver is not None:
            self._receiver.pause_writing()

    def resume_writing(self) -> None:
        """The kernel has taken everything."""
        self._has_room = True
        if self._receiver is not None:
            self._receiver.resume_writing()

    def _taken(self) -> bytes:
        """All that waits."""
        data = b"".join(self._waiting)
        self._waiting.clear()
        self._size = 0
        if self._awaits_turn:
            in_turn(self._read_on)
        return data

    def _tell(self, receiver: asyncio.Protocol, data: bytes) -> None:
        try:
            receiver.data_received(data)
        except Exception as error:  # noqa: BLE001 - the receiver's own, which it has to deal with as it sees fit
            receiver.connection_lost(error)

    def _read_on(self) -> None:
        self._awaits_turn = False
        self._read_or_wait()

    def _read_or_wait(self) -> None:
        if self._lost or self._received_end:
            return
        if self._is_paused or self._awaits_turn:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _linger(self, how: bytes) -> None:
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, how)

    def _call_back(self) -> None:
        for callback in self._on_lost:
            asyncio.get_running_loop().call_soon(callback)
        self._on_lost.clear()
