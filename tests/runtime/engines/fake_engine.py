"""An engine that is broken in a way of one's choice, behind a real socket."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

VERSION = b'{"ApiVersion":"1.41","MinAPIVersion":"1.12"}'
INFO = b'{"Runtimes":{"runc":{"path":"runc"}},"DefaultRuntime":"runc"}'
CREATED = b'{"Id":"a","Warnings":[]}'


@asynccontextmanager
async def broken_engine(path: Path, answer: bytes | None, *sound: str) -> AsyncIterator[str]:
    """Its address. It tells of itself, and gives that answer to all else, or none at all.

    It does make containers and the like, after a fashion, at the addresses that have one of `sound` in them.
    """
    answers = {"/version": _ok(VERSION), "/info": _ok(INFO)} | dict.fromkeys(sound, _ok(CREATED))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                asked = head.splitlines()[0].decode()
                if answered := next((answers[part] for part in answers if part in asked), None):
                    await reader.readexactly(_length(head))
                    writer.write(answered)
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


def _ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def _length(head: bytes) -> int:
    """How long the body of a request is."""
    found = re.search(rb"\r\ncontent-length: *([0-9]+)", head, re.IGNORECASE)
    return int(found[1]) if found else 0
