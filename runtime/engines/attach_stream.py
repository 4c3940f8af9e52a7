"""The byte stream of an attached container: Docker's multiplexed stdout and stderr on one socket."""

from __future__ import annotations

import logging
import socket
import struct
from collections.abc import Callable

from runtime.engines.socket_stream import SocketStream

log = logging.getLogger(__name__)

HEADER = struct.Struct(">BxxxI")  # Docker's: stream number, length of the chunk
STDERR = 2
MAX_CHUNK = 1024 * 1024  # far above the engine's 32 KiB
MAX_LOGGED = 8 * 1024  # bytes of stderr, over a sandbox's whole life: it is where the agent says why it crashed


class AttachStream(SocketStream):
    """Implements runtime.streams.ByteStream on a socket that `attach` has given."""

    def __init__(self, name: str, sock: socket.socket) -> None:
        super().__init__(name, sock)
        self._buffer = bytearray()
        self._logged = 0

    @classmethod
    async def attached(cls, name: str, sock: socket.socket, already_read: bytes) -> AttachStream:
        """Take over a connected socket, of which some bytes have been read already."""
        stream = await cls.connect(name, sock)
        stream._buffer[:0] = already_read
        return stream

    def start(self, receive: Callable[[bytes], None], closed: Callable[[], None]) -> None:
        """See ByteStream."""
        super().start(receive, closed)
        self._deliver()

    def data_received(self, data: bytes) -> None:
        """Some bytes of Docker's stream."""
        self._buffer += data
        self._deliver()

    def _deliver(self) -> None:
        """Hand on the chunks that are whole, in one piece."""
        buffer = self._buffer
        chunks: list[bytes] = []
        while len(buffer) >= HEADER.size and not self.over:
            number, length = HEADER.unpack_from(buffer)
            if number > STDERR or length > MAX_CHUNK:
                log.error("%s: the engine's stream isn't one of Docker's", self.name)
                self.close()
                return
            end = HEADER.size + length
            if len(buffer) < end:
                break
            chunk = bytes(memoryview(buffer)[HEADER.size : end])
            del buffer[:end]
            if number == STDERR:
                self._log(chunk)
            else:
                chunks.append(chunk)
        if chunks:
            super().data_received(b"".join(chunks))

    def _log(self, chunk: bytes) -> None:
        chunk = chunk[: MAX_LOGGED - self._logged]
        if chunk:
            self._logged += len(chunk)
            log.warning("%s: agent: %r", self.name, chunk)
