"""A server that would be S3, if it kept to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

LISTING = b'<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>'

Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def broken_s3(answer: Answering) -> AsyncIterator[str]:
    """Its endpoint. It lists an empty bucket, and answers everything else as it is told, then hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            if b"list-type=2" in head:
                await respond(writer, LISTING)
            else:
                await answer(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.close()


async def respond(writer: asyncio.StreamWriter, content: bytes, size: int | None = None, status: int = 200) -> None:
    """An answer that promises `size` bytes, by default those that come."""
    head = (
        f"HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-type: application/xml\r\n"
        f"content-length: {len(content) if size is None else size}\r\n"
        'last-modified: Mon, 01 Jan 2024 00:00:00 GMT\r\netag: "1"\r\n\r\n'
    )
    writer.write(head.encode() + content)
    await writer.drain()


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """No answer at all, until the client gives up."""
    await reader.read()
