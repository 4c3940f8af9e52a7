"""The reader of ClientHellos: one answer however the bytes come, and never another name than a real server sees."""

from __future__ import annotations

from runtime.egress.client_hello import ClientHelloReader
from runtime.egress.denial import Denied
from runtime.egress.names import canonical
from runtime.network_values import Reason
from tests.runtime.egress.hellos import (
    ECH,
    GREASE,
    Hello,
    in_pieces,
    in_records,
    name_seen_by_openssl,
    protocols,
    real_hello,
    server_names,
)

_SNI = server_names(b"api.example.com")

SEEDS = [
    real_hello("api.example.com"),
    in_records(real_hello("API.example.com")[5:], 50),
    Hello([(GREASE, b""), _SNI, protocols(b"h2", b"http/1.1")]).wire + b"\x17\3\3\0\1\0",
    Hello([_SNI, (ECH, bytes(8))]).wire,
    Hello([server_names(b"a.test", b"b.test")]).wire,
    Hello(None).wire,
    b"GET / HTTP/1.1\r\n",
]


def check(data: bytes) -> None:
    """Read the bytes at once, and in pieces."""
    read = outcome(data, len(data))
    assert read == outcome(data, 1 + sum(data[-2:]) % 100)
    if read is not None and not isinstance(read, Reason):
        assert canonical(read) == read
        seen = name_seen_by_openssl(data)
        assert seen is None or seen.lower() == read


def outcome(data: bytes, size: int) -> str | Reason | None:
    """What becomes of bytes in pieces of `size`: the name, why it is refused, or None if more must come."""
    reader = ClientHelloReader()
    try:
        return next(filter(None, map(reader.feed, in_pieces(data, size or 1))), None)
    except Denied as denied:
        return denied.reason
