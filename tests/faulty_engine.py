"""The Docker engine behind a socket of its own, where calls can be counted, stalled, and answered with an error."""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Self

CREATES = r"^POST \S+/containers/create"
REMOVALS = r"^DELETE \S+/containers/"

_CALL = re.compile(rb"(?:GET|HEAD|POST|PUT|DELETE) \S+(?= HTTP/1\.1\r\n)")
_NOTHING = re.compile(r"(?!)")
_FAILURE = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nConnection: close\r\n"
    b'Content-Length: 45\r\n\r\n{"message":"driver failed: resource is busy"}'
)


class FaultyEngine:
    """A way to the engine. As a context manager it is there, at `address`, in a thread of its own.

    `asked` are the calls that came, as `GET /v1.41/info`; patterns of those that go wrong are found in the same text.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._stalled = self._failing = _NOTHING
        self._engine = os.environ["DOCKER_HOST"].removeprefix("unix://")
        self._folder = TemporaryDirectory(prefix="sandlot-engine-")
        self._path = Path(self._folder.name) / "docker.sock"
        self._ready = Event()
        self._thread = Thread(target=lambda: asyncio.run(self._serve()))

    @property
    def address(self) -> str:
        """What to set DOCKER_HOST to."""
        return f"unix://{self._path}"

    def stall(self, pattern: str) -> None:
        """From now on, and until it is mended, such calls are not answered."""
        self._stalled = re.compile(pattern)

    def fail(self, pattern: str) -> None:
        """From now on, and until it is mended, such calls are answered with 500."""
        self._failing = re.compile(pattern)

    def mend(self) -> None:
        """It works, also for calls that were stalled."""
        self._stalled = self._failing = _NOTHING

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()
        self._folder.cleanup()

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        async with await asyncio.start_unix_server(self._connected, self._path):
            self._ready.set()
            await self._end.wait()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_engine, to_engine = await asyncio.open_unix_connection(self._engine)
        answering = asyncio.create_task(_copy(from_engine, writer))
        try:
            while data := await reader.read(65536):
                if (found := _CALL.match(data)) and await self._goes_wrong(found[0].decode()):
                    writer.write(_FAILURE)
                    break
                to_engine.write(data)
                await to_engine.drain()
            else:
                to_engine.write_eof()
                await answering
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            answering.cancel()
            to_engine.close()
            writer.close()

    async def _goes_wrong(self, call: str) -> bool:
        self.asked.append(call)
        while self._stalled.search(call):  # noqa: ASYNC110 - it is mended in another thread
            await asyncio.sleep(0.05)
        return self._failing.search(call) is not None


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, asyncio.CancelledError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
