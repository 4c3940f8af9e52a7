"""A byte stream on a connected socket."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Self, cast

log = logging.getLogger(__name__)


class SocketStream(asyncio.Protocol):
    """Implements runtime.streams.ByteStream. `name` is the sandbox's, for the log."""

    def __init__(self, name: str, sock: socket.socket) -> None:
        self.name = name
        self.over = False
        self._socket = sock
        self._transport: asyncio.Transport
        self._receive: Callable[[bytes], None] | None = None
        self._closed: Callable[[], None] | None = None
        self._is_paused = False
        self._writable = asyncio.Event()
        self._writable.set()

    @classmethod
    async def connect(cls, name: str, sock: socket.socket) -> Self:
        """Take over a connected socket."""
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        connect = loop.create_unix_connection if sock.family == socket.AF_UNIX else loop.create_connection
        _, stream = await connect(lambda: cls(name, sock), sock=sock)
        return stream

    def start(self, receive: Callable[[bytes], None], closed: Callable[[], None]) -> None:
        """See ByteStream."""
        self._receive, self._closed = receive, closed
        if self.over:
            closed()
        else:
            self.resume()

    def pause(self) -> None:
        """See ByteStream."""
        self._is_paused = True
        self._read_or_wait()

    def resume(self) -> None:
        """See ByteStream."""
        self._is_paused = False
        self._read_or_wait()

    def write(self, data: bytes) -> None:
        """See ByteStream."""
        if not self.over:
            self._transport.write(data)

    async def drain(self) -> None:
        """See ByteStream."""
        await self._writable.wait()

    def close(self) -> None:
        """See ByteStream."""
        if not self.over:
            # An engine that still has output for a connection nobody reads would hold up the container's other
            # readers: closing isn't enough for it to notice, so the socket is shut down first.
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                log.debug("%s: the other side had closed the stream", self.name)
            self._transport.abort()
            self.connection_lost(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ready."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.pause_reading()  # until there is somebody to give it to

    def data_received(self, data: bytes) -> None:
        """Some bytes."""
        if self._receive is not None:
            self._receive(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come."""
        if not self.over:
            self.over = True
            self._writable.set()
            if self._closed is not None:
                self._closed()

    def pause_writing(self) -> None:
        """The queue is long."""
        self._writable.clear()
        self._read_or_wait()

    def resume_writing(self) -> None:
        """The queue is short again."""
        self._writable.set()
        self._read_or_wait()

    def _read_or_wait(self) -> None:
        if self.over or self._receive is None:
            return
        if self._is_paused or not self._writable.is_set():
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
