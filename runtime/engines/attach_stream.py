"""The byte stream of an attached container: Docker's multiplexed stdout and stderr on one socket."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Callable
from typing import cast

log = logging.getLogger(__name__)

HEADER = struct.Struct(">BxxxI")  # Docker's: stream number, length of the chunk
STDERR = 2
MAX_CHUNK = 1024 * 1024  # far above the engine's 32 KiB
MAX_LOGGED = 8 * 1024  # bytes of stderr, over a sandbox's whole life: it is where the agent says why it crashed


class AttachStream(asyncio.Protocol):
    """Implements runtime.streams.ByteStream on a socket that `attach` has given."""

    def __init__(self, name: str, sock: socket.socket) -> None:
        self._name = name
        self._socket = sock
        self._transport: asyncio.Transport
        self._buffer = bytearray()
        self._receive: Callable[[bytes], None] | None = None
        self._closed: Callable[[], None] | None = None
        self._over = False
        self._writable = asyncio.Event()
        self._writable.set()
        self._logged = 0

    @classmethod
    async def connect(cls, sock: socket.socket, already_read: bytes, name: str) -> AttachStream:
        """Take over a connected socket, of which some bytes have been read already."""
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        if sock.family == socket.AF_UNIX:
            _, stream = await loop.create_unix_connection(lambda: cls(name, sock), sock=sock)
        else:
            _, stream = await loop.create_connection(lambda: cls(name, sock), sock=sock)
        stream._buffer[:0] = already_read
        return stream

    def start(self, receive: Callable[[bytes], None], closed: Callable[[], None]) -> None:
        """See ByteStream."""
        self._receive, self._closed = receive, closed
        if self._over:
            closed()
        else:
            self._deliver()
            self._transport.resume_reading()

    def write(self, data: bytes) -> None:
        """See ByteStream."""
        if not self._over:
            self._transport.write(data)

    async def drain(self) -> None:
        """See ByteStream."""
        await self._writable.wait()

    def close(self) -> None:
        """See ByteStream."""
        if not self._over:
            # An engine that still has output for a connection nobody reads would hold up the container's other
            # readers: closing isn't enough for it to notice, so the socket is shut down first.
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                log.debug("%s: the engine had closed the stream", self._name)
            self._transport.abort()
            self.connection_lost(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ready."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.pause_reading()  # until there is somebody to give it to

    def data_received(self, data: bytes) -> None:
        """Some bytes of Docker's stream."""
        self._buffer += data
        self._deliver()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come."""
        if not self._over:
            self._over = True
            self._writable.set()
            if self._closed is not None:
                self._closed()

    def pause_writing(self) -> None:
        """The queue is long."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The queue is short again."""
        self._writable.set()

    def _deliver(self) -> None:
        """Hand on the chunks that are whole."""
        buffer = self._buffer
        while len(buffer) >= HEADER.size and not self._over:
            number, length = HEADER.unpack_from(buffer)
            if number > STDERR or length > MAX_CHUNK:
                log.error("%s: the engine's stream isn't one of Docker's", self._name)
                self.close()
                return
            end = HEADER.size + length
            if len(buffer) < end:
                return
            chunk = bytes(memoryview(buffer)[HEADER.size : end])
            del buffer[:end]
            if number == STDERR:
                self._log(chunk)
            elif self._receive is not None:
                self._receive(chunk)

    def _log(self, chunk: bytes) -> None:
        chunk = chunk[: MAX_LOGGED - self._logged]
        if chunk:
            self._logged += len(chunk)
            log.warning("%s: agent: %r", self._name, chunk)
