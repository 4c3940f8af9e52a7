"""TLS over a channel, as either side of it."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Self

from runtime.egress.bytes import ByteChannel, ChannelBroken
from runtime.egress.denial import Denied
from runtime.errors import SandboxLost

_RECORD = 16 * 1024


def trust_in_servers(ca_bundle: Path | None) -> ssl.SSLContext:
    """What verifies servers, by the system's authorities and those of a PEM file. Reading them takes a while."""
    trust = ssl.create_default_context()
    trust.set_alpn_protocols(["http/1.1"])
    trust.options |= ssl.OP_NO_RENEGOTIATION
    if ca_bundle is not None:
        trust.load_verify_locations(ca_bundle)
    return trust


class TlsChannel:
    """Implements ByteChannel. `shake_hands` comes first."""

    def __init__(
        self, channel: ByteChannel, tls: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO
    ) -> None:
        self._channel = channel
        self._tls = tls
        self._incoming = incoming
        self._outgoing = outgoing
        self._goodbye: asyncio.Task[None] | None = None

    @classmethod
    def as_server(cls, channel: ByteChannel, context: ssl.SSLContext, beginning: bytes) -> Self:
        """The server's side, when the `beginning` of what the client sends was read already."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        incoming.write(beginning)
        return cls(channel, context.wrap_bio(incoming, outgoing, server_side=True), incoming, outgoing)

    @classmethod
    def as_client(cls, channel: ByteChannel, context: ssl.SSLContext, server_name: str) -> Self:
        """The client's side, towards the server that `context` verifies to be `server_name`."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        return cls(channel, context.wrap_bio(incoming, outgoing, server_hostname=server_name), incoming, outgoing)

    async def shake_hands(self) -> None:
        """Come to terms with the other side; the client's side has verified the server then.

        Raises ssl.SSLError, of which ssl.SSLCertVerificationError is one, when the two don't agree.
        """
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            except ssl.SSLError:
                with suppress(ChannelBroken):  # the other side may be gone; otherwise it is told why
                    await self._flush()
                raise
            else:
                return await self._flush()

    async def receive(self) -> bytes:
        """See ByteChannel. An end without TLS's own is one too: what HTTP says tells whether something is missing."""
        while self._goodbye is None:
            if self._is_drained:
                await self._fill()
            pieces: list[bytes] = []
            try:
                while not (pieces and self._is_drained) and (piece := self._tls.read(_RECORD)):
                    pieces.append(piece)
            except ssl.SSLWantReadError:
                if not pieces:
                    continue
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                pass
            except ssl.SSLError:
                if not pieces:
                    raise ChannelBroken from None
            return b"".join(pieces)
        while await self._channel.receive():
            pass  # whatever comes after the goodbye isn't of interest, but that it ends is
        return b""

    async def send(self, data: bytes) -> None:
        """See ByteChannel."""
        try:
            self._tls.write(data)
        except ssl.SSLError:
            raise ChannelBroken from None
        await self._flush()

    def end(self) -> None:
        """See ByteChannel. Nothing that is received afterwards is told."""
        if self._goodbye is None:
            self._goodbye = asyncio.get_running_loop().create_task(self._say_goodbye())

    def close(self) -> None:
        """See ByteChannel."""
        self.let_go()
        self._channel.close()

    def let_go(self) -> None:
        """Do nothing more with the channel, and leave it open."""
        if self._goodbye is not None:
            self._goodbye.cancel()

    async def _say_goodbye(self) -> None:
        with suppress(ssl.SSLError):  # it says so, then asks for the other side's goodbye
            self._tls.unwrap()
        with suppress(ChannelBroken, SandboxLost, Denied):
            await self._flush()
        self._channel.end()

    @property
    def _is_drained(self) -> bool:
        """Whether TLS can only want more. Asking it costs an exception, on each small message two."""
        return not (self._incoming.pending or self._incoming.eof)

    async def _fill(self) -> None:
        """Read on. What TLS itself has to answer to that waits for the next bytes that are sent, as it may."""
        if data := await self._channel.receive():
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await self._channel.send(self._outgoing.read())
