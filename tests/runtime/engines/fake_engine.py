"""An engine that is broken in a way of one's choice, behind a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

VERSION = b'{"ApiVersion":"1.41","MinAPIVersion":"1.12"}'


@asynccontextmanager
async def broken_engine(path: Path, answer: bytes | None) -> AsyncIterator[str]:
    """Its address. It tells its version, and gives that answer to all else, or none at all."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if b"/version" in head.splitlines()[0]:
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(VERSION), VERSION))
                elif answer is None:
                    await asyncio.Event().wait()
                else:
                    writer.write(answer)
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    connections: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_unix_server(accept, path)
    yield f"unix://{path}"
    server.close()
    for connection in connections:
        connection.cancel()
    await asyncio.wait(connections or {asyncio.create_task(asyncio.sleep(0))})
