"""Two TCP connections with the service between them, and the test at both ends."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from runtime.egress.tcp import RESET_AT_CLOSE, TcpChannel


@dataclass(frozen=True)
class Pair:
    """A channel, and the socket at its other end."""

    channel: TcpChannel
    peer: socket.socket

    async def says(self, data: bytes) -> None:
        """The peer sends bytes."""
        await asyncio.get_running_loop().sock_sendall(self.peer, data)

    async def hears_some(self) -> bytes:
        """What comes next, nothing at the end. ConnectionResetError when it is cut off."""
        return await asyncio.get_running_loop().sock_recv(self.peer, 65536)

    async def hears_all(self) -> bytes:
        """Everything up to the end. ConnectionResetError when it is cut off before."""
        heard = b""
        while piece := await self.hears_some():
            heard += piece
        return heard

    async def hears(self, size: int) -> bytes:
        """The peer reads so many bytes, fewer if there is an end before. ConnectionResetError when it is cut off."""
        heard = b""
        while len(heard) < size:
            piece = await asyncio.get_running_loop().sock_recv(self.peer, size - len(heard))
            if not piece:
                break
            heard += piece
        return heard

    def ends(self) -> None:
        """The peer sends no more; idempotent."""
        with suppress(OSError):
            self.peer.shutdown(socket.SHUT_WR)

    def resets(self) -> None:
        """The peer cuts the connection off."""
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
        self.peer.close()


@asynccontextmanager
async def socket_pair() -> AsyncIterator[Pair]:
    """A pair, closed in the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as peer:
        peer.connect(listener.getsockname())
        peer.setblocking(False)
        channel = await TcpChannel.over(listener.accept()[0])
        try:
            yield Pair(channel, peer)
        finally:
            channel.close()
            await asyncio.sleep(0)
