"""A connection out of a sandbox without a sandbox: the gate holds one end, the test is the program at the other."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from runtime.egress.metered import MeteredConnection
from runtime.egress.pushed import PushedConnection
from runtime.egress.traffic import Allowance, Traffic
from runtime.errors import SandboxLost

WINDOW = 256 * 1024
"""Bytes that may wait in one direction: the writer waits for the reader then, as on a link."""


class ConnectionReset(Exception):
    """What a program sees once the gate has let go of its connection, unless both sides had ended."""


class _Pipe:
    """One direction."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._failure: Callable[[], Exception] | None = None
        self._changed = asyncio.Event()
        self.ended = False

    async def write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            await self._until(lambda: self._size < self._room)
            piece = bytes(rest[: self._room - self._size])
            rest = rest[len(piece) :]
            self._waiting.append(piece)
            self._size += len(piece)
            self._changed.set()

    async def read(self) -> bytes:
        await self._until(lambda: bool(self._waiting) or self.ended)
        data = b"".join(self._waiting)
        self._waiting.clear()
        self._size = 0
        self._changed.set()
        return data

    def end(self) -> None:
        self.ended = True
        self._changed.set()

    def fail(self, failure: Callable[[], Exception]) -> None:
        self._failure = self._failure or failure
        self._changed.set()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while True:
            if self._failure is not None:
                raise self._failure()
            if condition():
                return
            self._changed.clear()
            await self._changed.wait()


class MemoryConnection:
    """The gate's end: a runtime.egress.pushed.AwaitedConnection."""

    def __init__(self, outward: _Pipe, inward: _Pipe) -> None:
        self._outward = outward
        self._inward = inward
        self._on_lost: list[Callable[[], None]] = []
        self._lost = False
        self.closed = asyncio.Event()

    async def receive(self) -> bytes:
        """See AwaitedConnection."""
        return await self._outward.read()

    async def send(self, data: bytes) -> None:
        """See AwaitedConnection."""
        await self._inward.write(data)

    def end(self) -> None:
        """See AwaitedConnection."""
        self._inward.end()

    def close(self) -> None:
        """See AwaitedConnection."""
        if not (self._inward.ended and self._outward.ended):
            self._inward.fail(ConnectionReset)
        self._outward.fail(ConnectionReset)
        self.closed.set()

    def on_lost(self, callback: Callable[[], None]) -> None:
        """See AwaitedConnection."""
        if self._lost:
            asyncio.get_running_loop().call_soon(callback)
        else:
            self._on_lost.append(callback)

    def lose(self) -> None:
        """The link has ended, or the program has cut the connection off."""
        if not self._lost:
            self._lost = True
            for pipe in (self._outward, self._inward):
                pipe.fail(lambda: SandboxLost("The connection was cut off."))
            for callback in self._on_lost:
                asyncio.get_running_loop().call_soon(callback)


class Program:
    """The program's end. Reading and writing raise ConnectionReset once the gate has let go, SandboxLost after `cut`.

    `connection` is what the gate is given, made of `gate_end` in the way it is made of a link's.
    """

    def __init__(self, window: int = WINDOW) -> None:
        self._outward = _Pipe(window)
        self._inward = _Pipe(window)
        self.gate_end = MemoryConnection(self._outward, self._inward)
        self.connection = PushedConnection(self.gate_end)

    async def send(self, data: bytes) -> None:
        """Send bytes, waiting until the gate has room for them."""
        await self._outward.write(data)

    async def receive(self) -> bytes:
        """All bytes that wait, none at the end."""
        return await self._inward.read()

    async def read_all(self) -> bytes:
        """Everything up to the end."""
        return b"".join([piece async for piece in self])

    async def read_exactly(self, size: int) -> bytes:
        """So many bytes, not one more: the rest mustn't have come yet."""
        data = b""
        while len(data) < size:
            data += await self.receive()
        assert len(data) == size
        return data

    def end(self) -> None:
        """Nothing more will be sent."""
        self._outward.end()

    def cut(self) -> None:
        """Cut the connection off, as a program that is killed does, or a link that ends."""
        self.gate_end.lose()

    async def is_reset(self) -> bool:
        """Wait until the gate lets go: whether the program sees a reset, without a single byte."""
        try:
            await self.receive()
        except ConnectionReset:
            return True
        return False

    def __aiter__(self) -> Program:
        return self

    async def __anext__(self) -> bytes:
        if piece := await self.receive():
            return piece
        raise StopAsyncIteration


def metered(program: Program) -> MeteredConnection:
    """Its connection, with its bytes counted, of which any number may pass."""
    return MeteredConnection(program.connection, Traffic(), Allowance(None), lambda: None)
