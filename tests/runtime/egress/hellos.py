"""ClientHellos: those of a real client, and hand-made ones in every shape that a hostile one might send."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

import pytest
import trustme

SERVER_NAME = 0
ALPN = 16
PRE_SHARED_KEY = 41
EARLY_DATA = 42
GREASE = 0x1A1A
ECH = 0xFE0D
ESNI = 0xFFCE
PADDING = 21

HOST_NAME = 0

Extension = tuple[int, bytes]


def client_context(alpn: Sequence[str] = (), version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    """A client's settings, that trust anybody."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = version
    context.set_alpn_protocols(list(alpn))
    return context


def real_hello(
    server_name: str | None, context: ssl.SSLContext | None = None, session: ssl.SSLSession | None = None
) -> bytes:
    """What OpenSSL sends first, by way of Python's ssl."""
    sent = ssl.MemoryBIO()
    client = (context or client_context()).wrap_bio(ssl.MemoryBIO(), sent, server_hostname=server_name, session=session)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return sent.read()


def resumed_hello(server_name: str, version: ssl.TLSVersion) -> bytes:
    """What OpenSSL sends first to a server that it has talked to before."""
    context = client_context(version=version)
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(server_name).configure_cert(server_context)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = context.wrap_bio(to_client, to_server, server_hostname=server_name)
    for step in [client.do_handshake, server.do_handshake] * 2:
        with suppress(ssl.SSLWantReadError):
            step()
    server.write(b"x")
    assert client.read(1) == b"x"  # by now it has a ticket too
    return real_hello(server_name, context, client.session)


def vector(length_size: int, *parts: bytes) -> bytes:
    """Some bytes after their number."""
    data = b"".join(parts)
    return len(data).to_bytes(length_size) + data


def extension(kind: int, body: bytes) -> bytes:
    """One extension."""
    return kind.to_bytes(2) + vector(2, body)


def server_names(*names: bytes, kind: int = HOST_NAME) -> Extension:
    """The extension for the server's name, with all of these."""
    return SERVER_NAME, vector(2, *(bytes([kind]) + vector(2, name) for name in names))


def protocols(*names: bytes) -> Extension:
    """The extension for application protocols."""
    return ALPN, vector(2, *(vector(1, name) for name in names))


@dataclass(frozen=True)
class Hello:
    """A ClientHello, made as it says. `extensions` None leaves out even their length; `message_type` 1 is right."""

    extensions: Sequence[Extension] | None = (server_names(b"api.example.com"),)
    message_type: int = 1
    after_extensions: bytes = b""

    @property
    def message(self) -> bytes:
        """The handshake message, without records."""
        body = b"\3\3" + bytes(32) + vector(1, bytes(32)) + vector(2, b"\x13\x01") + vector(1, b"\0")
        if self.extensions is not None:
            body += vector(2, *(extension(*each) for each in self.extensions))
        return bytes([self.message_type]) + vector(3, body + self.after_extensions)

    @property
    def wire(self) -> bytes:
        """The message in as few records as hold it."""
        return in_records(self.message, 2**14)


def record(fragment: bytes, kind: int = 22, version: bytes = b"\3\1") -> bytes:
    """One record."""
    return bytes([kind]) + version + vector(2, fragment)


def in_records(message: bytes, size: int) -> bytes:
    """A message in records of `size` bytes each."""
    return b"".join(record(message[at : at + size]) for at in range(0, len(message), size))


def in_pieces(data: bytes, size: int) -> Iterable[bytes]:
    """Bytes as they would come in segments of `size`."""
    return (data[at : at + size] for at in range(0, len(data), size))


def name_seen_by_openssl(data: bytes) -> str | None:
    """The server's name that a real server finds in what a client sends first, if it gets that far."""
    names: list[str | None] = []
    context = bare_server()
    context.sni_callback = lambda _, name, __: names.append(name)
    received = ssl.MemoryBIO()
    received.write(data)
    with suppress(ssl.SSLError):  # at the latest because the server has no certificate
        context.wrap_bio(received, ssl.MemoryBIO(), server_side=True).do_handshake()
    return names[0] if names else None


@cache
def bare_server() -> ssl.SSLContext:
    """A server's settings, as they come; made once, for that takes long."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
