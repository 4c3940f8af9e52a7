"""A connection out of a sandbox that comes over the link, where bytes are awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol


class AwaitedConnection(Protocol):
    """As Connection is, but without a receiver, and what is sent is awaited. Used by one reader and one writer.

    Both raise SandboxLost, or ChannelBroken, once the other side is gone.
    """

    async def receive(self) -> bytes:
        """The next bytes, all that wait; none when no more will come."""

    async def send(self, data: bytes) -> None:
        """Send bytes, waiting until the other side has room for them."""

    def end(self) -> None:
        """No more will be sent: the other side reads the end. Idempotent."""

    def close(self) -> None:
        """Let go of it; idempotent. Unless both directions had ended, the other side sees a reset."""

    def on_lost(self, callback: Callable[[], None]) -> None:
        """See Connection."""


class PushedConnection:
    """Implements Connection."""

    def __init__(self, awaited: AwaitedConnection) -> None:
        self._awaited = awaited
        self._receiver: asyncio.Protocol
        self._tasks: list[asyncio.Task[None]] = []
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._unsent: list[bytes] = []
        self._is_ending = False
        self._to_do = asyncio.Event()
        self._received_end = False
        self._loss: Exception | None = None

    async def receive(self) -> bytes:
        """See Connection."""
        return await self._awaited.receive()

    def hand_over(self, receiver: asyncio.Protocol) -> None:
        """See ByteChannel."""
        self._receiver = receiver
        if self._unsent:
            receiver.pause_writing()
        if self._received_end:
            receiver.eof_received()
        if self._loss is not None:
            receiver.connection_lost(self._loss)
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._carry(work)) for work in (self._read, self._send)]

    def write(self, data: bytes) -> None:
        """See ByteChannel."""
        self._unsent.append(data)
        self._to_do.set()
        if len(self._unsent) == 1:
            self._receiver.pause_writing()

    def end(self) -> None:
        """See ByteChannel."""
        self._is_ending = True
        if not self._unsent:
            self._awaited.end()

    def pause(self) -> None:
        """See ByteChannel."""
        self._may_read.clear()

    def resume(self) -> None:
        """See ByteChannel."""
        self._may_read.set()

    def close(self) -> None:
        """See ByteChannel."""
        for task in self._tasks:
            task.cancel()
        self._awaited.close()

    def on_lost(self, callback: Callable[[], None]) -> None:
        """See Connection."""
        self._awaited.on_lost(callback)

    async def _carry(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - also the receiver's own, which it has to deal with as it sees fit
            self._loss = error
            self._receiver.connection_lost(error)

    async def _read(self) -> None:
        while not self._received_end:
            data = await self._awaited.receive()
            await self._may_read.wait()
            if data:
                self._receiver.data_received(data)
            else:
                self._received_end = True
                self._receiver.eof_received()
            await self._may_read.wait()

    async def _send(self) -> None:
        while True:
            await self._to_do.wait()
            self._to_do.clear()
            while self._unsent:
                data, self._unsent[:] = b"".join(self._unsent), [b""]  # as long as it isn't empty, there is no room
                await self._awaited.send(data)
                del self._unsent[0]
            if self._is_ending:
                self._awaited.end()
            self._receiver.resume_writing()
