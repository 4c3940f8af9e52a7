"""One connection that a stub server has accepted: blocking, plain or TLS, with all that came in on it."""

from __future__ import annotations

import io
import socket
import ssl
import struct
import threading
from collections.abc import Sequence
from contextlib import suppress

import trustme

CHUNK = 256 * 1024
KEPT = 1024 * 1024
"""How many bytes of a connection are kept at most: tests that send more only count them."""


def server_context(certificate: trustme.LeafCert, alpn: Sequence[str] = ("http/1.1",)) -> ssl.SSLContext:
    """What a TLS server needs that shows this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(list(alpn))
    context.sslobject_class = _NamedTls
    context.sni_callback = _note_name
    certificate.configure_cert(context)
    return context


class _NamedTls(ssl.SSLObject):
    """TLS that belongs to a stream, and tells it which server was asked for."""

    stream: Accepted


def _note_name(tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
    assert isinstance(tls, _NamedTls)
    tls.stream.server_name = name


class Accepted(io.RawIOBase):
    """Readable and writable like a file; the bytes are those inside TLS where there is TLS.

    `raw` is what came over the wire and `received` what was in it, both from their beginning and cut at KEPT bytes;
    `raw_size` counts all. `server_name` is what the ClientHello named. `tls_error` tells why there is no TLS,
    `was_reset` whether it ended by a reset, once it is `over`.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.raw = b""
        self.raw_size = 0
        self.received = b""
        self.server_name: str | None = None
        self.alpn: str | None = None
        self.tls_error: str | None = None
        self.was_reset = False
        self.over = threading.Event()
        self._socket = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Shake hands as a server, with a context that notes names; ssl.SSLError when that fails."""
        tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        assert isinstance(tls, _NamedTls)
        tls.stream = self
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                self._fill()
            except ssl.SSLError as error:
                self.tls_error = str(error)
                self._flush()
                raise
        self._flush()
        self._tls, self.alpn = tls, tls.selected_alpn_protocol()

    def read_some(self) -> bytes:
        """The next bytes, none at the end."""
        data = self._recv() if self._tls is None else self._decrypted(self._tls)
        self.received += data[: KEPT - len(self.received)]
        return data

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """As files do it."""
        data = self._recv(len(buffer)) if self._tls is None else self._decrypted(self._tls, len(buffer))
        self.received += data[: KEPT - len(self.received)]
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: bytes | memoryview) -> int:  # type: ignore[override]
        """Send it all."""
        if self._tls is None:
            self._socket.sendall(data)
        else:
            for start in range(0, len(data), CHUNK):
                self._tls.write(data[start : start + CHUNK])
                self._flush()
        return len(data)

    def end(self) -> None:
        """Send no more."""
        if self._tls is not None:
            with suppress(ssl.SSLError):  # it says goodbye, and then that the other side hasn't yet
                self._tls.unwrap()
            self._flush()
        self._socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Let go, so that the other side sees a reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def readable(self) -> bool:
        """As files do it."""
        return True

    def writable(self) -> bool:
        """As files do it."""
        return True

    def _recv(self, size: int = CHUNK) -> bytes:
        data = self._socket.recv(size)
        self.raw_size += len(data)
        self.raw += data[: KEPT - len(self.raw)]
        return data

    def _decrypted(self, tls: ssl.SSLObject, size: int = CHUNK) -> bytes:
        while True:
            try:
                return tls.read(size)
            except ssl.SSLWantReadError:
                self._flush()
                self._fill()
            except ssl.SSLZeroReturnError:
                return b""

    def _fill(self) -> None:
        if data := self._recv():
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._socket.sendall(self._outgoing.read())
