"""HTTP between a program and a server, both of which the test speaks for, byte by byte, with the runtime in between."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

from runtime.egress.http import serve_http
from runtime.egress.tcp import RESET_AT_CLOSE, TcpChannel
from runtime.network_values import Reason
from tests.runtime.egress.socket_pairs import Pair, socket_pair
from tests.runtime.egress.stub_resolvers import SECONDS
from tests.runtime.egress.stub_servers import new_address

HOST = "api.example.com"
PORT = 80


class Peer:
    """The server's end of a connection. `heard` is all that came so far."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard = b""
        self._reader = reader
        self._writer = writer

    async def hears(self, ending: bytes) -> bytes:
        """Wait until what came since the last time ends so. All of that."""
        new = b""
        while not new.endswith(ending):
            data = await self._reader.read(65536)
            assert data, f"it ended after {new!r}"
            new += data
            self.heard += data
        return new

    async def hears_the_end(self) -> bytes:
        """Wait until nothing more comes, be it by a reset. What came until then."""
        new = b""
        try:
            while data := await self._reader.read(65536):
                new += data
        except ConnectionResetError:
            pass
        self.heard += new
        return new

    async def says(self, data: bytes) -> None:
        """Send bytes."""
        self._writer.write(data)
        await self._writer.drain()

    def leaves(self) -> None:
        """End the connection."""
        self._writer.close()

    def resets(self) -> None:
        """Cut the connection off."""
        if not self._writer.transport.is_closing():
            self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
            self._writer.transport.abort()


class Talk:
    """What a test has in its hands: the program, the server's connections as they come, and why what was denied."""

    def __init__(self, program: Pair) -> None:
        self.program = program
        self.denied: list[Reason] = []
        self.carried: asyncio.Task[None]
        self.heard: list[Peer] = []
        self._peers: asyncio.Queue[Peer] = asyncio.Queue()

    async def server(self) -> Peer:
        """The server's end of the connection that is made to it."""
        return await self._peers.get()

    @property
    def server_heard(self) -> bytes:
        """All that came to the server, on all connections, as far as it listened."""
        return b"".join(peer.heard for peer in self.heard)

    async def says(self, data: bytes) -> None:
        """The program sends bytes."""
        await self.program.says(data)

    async def hears(self, ending: bytes) -> bytes:
        """Wait until what came to the program since the last time ends so. All of that."""
        new = b""
        while not new.endswith(ending):
            data = await self.program.hears_some()
            assert data, f"it ended after {new!r}"
            new += data
        return new

    async def hears_the_end(self) -> bytes:
        """Wait until nothing more comes to the program, which then ends as well. What came until then."""
        received = await self.program.hears_all()
        self.program.ends()
        return received

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection to the server."""
        peer = Peer(reader, writer)
        self.heard.append(peer)
        self._peers.put_nowait(peer)


@asynccontextmanager
async def talking() -> AsyncIterator[Talk]:
    """A talk with HOST by `serve_http`; TimeoutError in it when something is waited for that never comes."""
    async with asyncio.timeout(SECONDS), socket_pair() as program:
        talk = Talk(program)
        address = new_address()
        listener = await asyncio.start_server(talk.accept, address)
        port = listener.sockets[0].getsockname()[1]

        async def dial() -> TcpChannel:
            return await TcpChannel.connect(ip_address(address), port)

        talk.carried = asyncio.create_task(serve_http(program.channel, HOST, PORT, dial, None, talk.denied.append))
        try:
            yield talk
        finally:
            talk.carried.cancel()
            await asyncio.wait([talk.carried])
            listener.close()
            for peer in talk.heard:
                peer.resets()
