"""TLS over a channel, as either side of it."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Self

from runtime.egress.bytes import ByteChannel, ChannelBroken
from runtime.egress.layer import Layer

_RECORD = 16 * 1024
_MAX_ANSWERS = 4 * 1024
"""Bytes of answers by TLS itself that may wait. Only who asks for new keys over a hundred times, and for nothing else,
gets beyond that."""


def trust_in_servers(ca_bundle: Path | None) -> ssl.SSLContext:
    """What verifies servers, by the system's authorities and those of a PEM file. Reading them takes a while."""
    trust = ssl.create_default_context()
    trust.set_alpn_protocols(["http/1.1"])
    trust.options |= ssl.OP_NO_RENEGOTIATION
    if ca_bundle is not None:
        trust.load_verify_locations(ca_bundle)
    return trust


class TlsChannel(Layer):
    """What is inside TLS. `shake_hands` comes first.

    An end without TLS's own is one too: what HTTP says tells whether something is missing. After the own end, nothing
    is told but that the channel below has ended.
    """

    def __init__(
        self, below: ByteChannel, tls: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO
    ) -> None:
        super().__init__(below)
        self._tls = tls
        self._incoming = incoming
        self._outgoing = outgoing
        self._received_end = False
        self._sent_end = False

    @classmethod
    def as_server(cls, below: ByteChannel, context: ssl.SSLContext, beginning: bytes) -> Self:
        """The server's side, when the `beginning` of what the client sends was read already."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        incoming.write(beginning)
        return cls(below, context.wrap_bio(incoming, outgoing, server_side=True), incoming, outgoing)

    @classmethod
    def as_client(cls, below: ByteChannel, context: ssl.SSLContext, server_name: str) -> Self:
        """The client's side, towards the server that `context` verifies to be `server_name`."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        return cls(below, context.wrap_bio(incoming, outgoing, server_hostname=server_name), incoming, outgoing)

    async def shake_hands(self) -> None:
        """Come to terms with the other side; the client's side has verified the server then.

        Raises ssl.SSLError, of which ssl.SSLCertVerificationError is one, when the two don't agree, and what the
        channel is lost by.
        """
        handshake = _Handshake(self._below, self._tls, self._incoming, self._outgoing)
        self._below.hand_over(handshake)
        handshake.go_on()
        await handshake.done

    def hand_over(self, receiver: asyncio.Protocol) -> None:
        """See ByteChannel."""
        super().hand_over(receiver)
        self._below.resume()
        self._read()

    def write(self, data: bytes) -> None:
        """See ByteChannel."""
        try:
            self._tls.write(data)
        except ssl.SSLError:
            raise ChannelBroken from None
        self._below.write(self._outgoing.read())

    def end(self) -> None:
        """See ByteChannel."""
        if not self._sent_end:
            self._sent_end = True
            with suppress(ssl.SSLError):  # it says goodbye, then asks for the other side's
                self._tls.unwrap()
            _flush(self._outgoing, self._below)
            self._below.end()

    def data_received(self, data: bytes) -> None:
        """What TLS itself has to answer to that waits for the next bytes that are sent, as it may."""
        if self._is_over:
            return
        self._incoming.write(data)
        self._read()
        if self._outgoing.pending > _MAX_ANSWERS:
            raise ChannelBroken

    def eof_received(self) -> None:
        """The channel below has ended."""
        if self._sent_end:
            self._above.eof_received()
        else:
            self._incoming.write_eof()
            self._read()

    def _read(self) -> None:
        """Tell what there is inside TLS by now."""
        if self._is_over:
            return
        pieces: list[bytes] = []
        is_broken = False
        try:
            # To be told that TLS wants more costs an exception: it isn't asked when it can only say that.
            while not self._received_end and (self._incoming.pending or self._incoming.eof):
                pieces.append(piece := self._tls.read(_RECORD))
                self._received_end = not piece
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            self._received_end = True
        except ssl.SSLError:
            self._received_end = is_broken = True
        if data := b"".join(pieces):
            self._above.data_received(data)
        if is_broken:
            self._above.connection_lost(ChannelBroken())
        elif self._received_end:
            self._above.eof_received()

    @property
    def _is_over(self) -> bool:
        """Whether one side has said goodbye: what still comes isn't of interest, and not kept."""
        return self._received_end or self._sent_end


class _Handshake(asyncio.Protocol):
    """The receiver of the channel below TLS until both sides have come to terms, which is when it is `done`."""

    def __init__(
        self, channel: ByteChannel, tls: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO
    ) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self._channel = channel
        self._tls = tls
        self._incoming = incoming
        self._outgoing = outgoing

    def go_on(self) -> None:
        """As far as it is possible by now."""
        if self.done.done():
            return
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            _flush(self._outgoing, self._channel)
        except ssl.SSLError as error:
            _flush(self._outgoing, self._channel)  # the other side is told why
            self.done.set_exception(error)
        else:
            _flush(self._outgoing, self._channel)
            self._channel.pause()
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Some bytes."""
        self._incoming.write(data)
        self.go_on()

    def eof_received(self) -> None:
        """No more bytes."""
        self._incoming.write_eof()
        self.go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side is gone."""
        if not self.done.done():
            self.done.set_exception(exc or ChannelBroken())


def _flush(outgoing: ssl.MemoryBIO, channel: ByteChannel) -> None:
    """Send what TLS itself has to say, if anything."""
    if outgoing.pending:
        channel.write(outgoing.read())
