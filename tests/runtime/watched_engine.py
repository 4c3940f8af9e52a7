"""Docker, with links that can be listened in to, and cut."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from runtime.engines.base import Engine, MeetingPoint
from runtime.streams import ByteStream

_OPERATION = re.compile(rb'"op": ?"(\w+)"')


class WatchedEngine:
    """What sandboxes need of an engine, by one that has it. `asked` is what agents were asked to do.

    A link over which a request for `cut_at` goes ends there, before the agent has it.
    """

    def __init__(self, engine: Engine) -> None:
        self.asked: list[str] = []
        self.cut_at: str | None = None
        self.adaptable = engine.adaptable
        self.free_memory = engine.free_memory
        self.fingerprint = engine.fingerprint
        self.unpack = engine.unpack
        self.create = engine.create
        self.update = engine.update
        self.destroy = engine.destroy
        self.list = engine.list
        self.check = engine.check
        self.aclose = engine.aclose
        self._engine = engine
        self._streams: list[ByteStream] = []

    async def attach(self, name: str) -> ByteStream:
        """See Engine."""
        self._streams.append(await self._engine.attach(name))
        return _WatchedStream(self._streams[-1], self)

    async def meet(self, name: str) -> MeetingPoint | None:
        """See Engine. What goes past it couldn't be listened in to."""
        return None

    def cut(self) -> None:
        """End all links."""
        for stream in self._streams:
            stream.close()


class _WatchedStream:
    def __init__(self, stream: ByteStream, engine: WatchedEngine) -> None:
        self.start: Callable[[Callable[[bytes], None], Callable[[], None]], None] = stream.start
        self.pause = stream.pause
        self.resume = stream.resume
        self.drain = stream.drain
        self.close = stream.close
        self._stream = stream
        self._engine = engine

    def write(self, data: bytes) -> None:
        operations = [found.decode() for found in _OPERATION.findall(data)] if len(data) < 1000 else []
        self._engine.asked += operations
        if self._engine.cut_at in operations:
            asyncio.get_running_loop().call_soon(self._stream.close)  # streams don't end in the middle of a call
        else:
            self._stream.write(data)
