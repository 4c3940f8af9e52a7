"""A program that speaks TLS on its connection out of a sandbox."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Self

from runtime.egress.authority import Authority
from runtime.egress.connection import Connection
from runtime.egress.tls import TlsChannel
from tests.runtime.egress.memory_connections import Program, metered

HOST = "api.example.com"


class TlsProgram:
    """TLS over a Program, with the names of its methods. `shake_hands` comes first: ssl.SSLError when it fails."""

    def __init__(self, context: ssl.SSLContext, server_name: str | None, session: ssl.SSLSession | None = None) -> None:
        self.program = Program()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name, session=session)

    @property
    def connection(self) -> Connection:
        """What the gate is given."""
        return self.program.connection

    async def shake_hands(self) -> Self:
        """Come to terms with the server; the reset of the connection passes through."""
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            else:
                await self._flush()
                return self

    async def send(self, data: bytes) -> None:
        """Send bytes."""
        self.tls.write(data)
        await self._flush()

    async def say_goodbye(self) -> None:
        """End TLS, but not the connection."""
        with suppress(ssl.SSLError):  # it says so, then asks for the other side's goodbye
            self.tls.unwrap()
        await self._flush()

    async def receive(self) -> bytes:
        """The next bytes, none at the end, be it TLS's or not."""
        try:
            return await self.receive_more()
        except ssl.SSLEOFError:
            return b""

    async def receive_more(self) -> bytes:
        """The next bytes, none at the end of TLS; ssl.SSLEOFError at one of the connection alone."""
        while True:
            try:
                return self.tls.read(65536)
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()

    async def read_all(self) -> bytes:
        """Everything up to the end."""
        data = b""
        while piece := await self.receive():
            data += piece
        return data

    async def _fill(self) -> None:
        if data := await self.program.receive():
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await self.program.send(self._outgoing.read())


@asynccontextmanager
async def tls_channel() -> AsyncIterator[tuple[TlsChannel, TlsProgram]]:
    """TLS with a program, as the server's side has it: both have shaken hands. Closed in the end."""
    authority = Authority([HOST])
    context = ssl.create_default_context(cadata=authority.certificate)
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # as programs have it
    program = TlsProgram(context, HOST)
    channel = TlsChannel.as_server(metered(program.program), authority.context(HOST), b"")
    await asyncio.gather(program.shake_hands(), channel.shake_hands())
    try:
        yield channel, program
    finally:
        channel.close()
