"""A ByteStream on two pipes: what an agent in a process of its own is reached by."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Self, cast


class PipeStream(asyncio.Protocol):
    """Implements runtime.streams.ByteStream on duplicates of two descriptors; the originals stay open."""

    def __init__(self) -> None:
        self._reading: asyncio.ReadTransport
        self._writing: asyncio.WriteTransport
        self._receive: Callable[[bytes], None] | None = None
        self._closed: Callable[[], None] | None = None
        self._over = False
        self._writable = asyncio.Event()
        self._writable.set()

    @classmethod
    async def connect(cls, source: int, sink: int) -> Self:
        """A stream that reads from `source` and writes to `sink`."""
        loop = asyncio.get_running_loop()
        stream = cls()
        reading, _ = await loop.connect_read_pipe(lambda: stream, os.fdopen(os.dup(source), "rb", buffering=0))
        reading.pause_reading()
        writing, _ = await loop.connect_write_pipe(lambda: stream, os.fdopen(os.dup(sink), "wb", buffering=0))
        stream._reading, stream._writing = reading, writing
        return stream

    def start(self, receive: Callable[[bytes], None], closed: Callable[[], None]) -> None:
        """See ByteStream."""
        self._receive, self._closed = receive, closed
        if self._over:
            closed()
        else:
            self._reading.resume_reading()

    def pause(self) -> None:
        """See ByteStream."""
        self._reading.pause_reading()

    def resume(self) -> None:
        """See ByteStream."""
        if not self._over:
            self._reading.resume_reading()

    def write(self, data: bytes) -> None:
        """See ByteStream."""
        if not self._over:
            self._writing.write(data)

    async def drain(self) -> None:
        """See ByteStream."""
        await self._writable.wait()

    def close(self) -> None:
        """See ByteStream."""
        self.connection_lost(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """One of the pipes is ready."""

    def data_received(self, data: bytes) -> None:
        """The agent wrote something."""
        cast(Callable[[bytes], None], self._receive)(data)

    def eof_received(self) -> None:
        """The agent has ended."""

    def connection_lost(self, exc: Exception | None) -> None:
        """One of the pipes is gone, so the other is of no use."""
        if not self._over:
            self._over = True
            self._reading.close()
            self._writing.abort()
            self._writable.set()
            if self._closed is not None:
                self._closed()

    def pause_writing(self) -> None:
        """The queue is long."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The queue is short again."""
        self._writable.set()
