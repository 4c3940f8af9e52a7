from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runtime.engines.socket_stream import SocketStream

LONG = 8 * 1024 * 1024  # bytes, more than sockets and queues hold


@asynccontextmanager
async def stream_and_peer() -> AsyncIterator[tuple[SocketStream, socket.socket, asyncio.Queue[bytes]]]:
    """A stream, the socket at its other end, and what the stream has received."""
    ours, peer = socket.socketpair()
    peer.setblocking(False)
    stream, received = await SocketStream.connect("a sandbox", ours), asyncio.Queue[bytes]()
    stream.start(received.put_nowait, lambda: None)
    try:
        yield stream, peer, received
    finally:
        stream.close()
        peer.close()


async def test_who_does_not_read_is_not_read_from() -> None:
    """The other end gets no more to answer, until it has read: so the answers can't pile up."""
    loop = asyncio.get_running_loop()
    async with stream_and_peer() as (stream, peer, received):
        stream.write(bytes(LONG))
        peer.send(b"x")
        await asyncio.sleep(0.05)
        assert received.empty()
        left = LONG
        while left:
            left -= len(await loop.sock_recv(peer, LONG))
        assert await received.get() == b"x"


async def test_a_pause() -> None:
    """Nothing is read until it is over, and nothing is lost."""
    async with stream_and_peer() as (stream, peer, received):
        for piece in (b"a", b"b"):
            stream.pause()
            stream.pause()
            peer.send(piece)
            await asyncio.sleep(0.05)
            assert received.empty()
            stream.resume()
            assert await received.get() == piece


async def test_a_pause_outlasts_a_full_queue() -> None:
    """Who has paused is not read to because there is room again."""
    loop = asyncio.get_running_loop()
    async with stream_and_peer() as (stream, peer, received):
        stream.write(bytes(LONG))
        stream.pause()
        peer.send(b"x")
        left = LONG
        while left:
            left -= len(await loop.sock_recv(peer, LONG))
        await stream.drain()
        await asyncio.sleep(0.05)
        assert received.empty()
        stream.resume()
        assert await received.get() == b"x"
