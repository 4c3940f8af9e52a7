"""Answers of a hostile server: what the program hears is one answer in HTTP, or none, and no secret in it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import h11

from runtime.egress.bytes import ChannelBroken
from runtime.egress.http import serve_http
from runtime.egress.pushed import PushedConnection
from runtime.egress.secrets import SecretSet
from runtime.network_values import SecretName

HOST = "api.test"
VALUE = b"sk-canary"
ASKED = b"GET / HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n"

SEEDS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n@",
    b"HTTP/1.1 200 @\r\nX-@: @\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsk-c\r\n5\r\nanary\r\n0\r\n@: 1\r\n\r\n",
    b"HTTP/1.0 404\r\n\r\n@sk-canar@",
    b"HTTP/1.1 103 Early\r\nLink: @\r\n\r\nHTTP/1.1 204 No\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
    b"HTTP/1.1 200 OK\nContent-Length: 2\nTransfer-Encoding: chunked\n\n2\r\nok\r\n0\r\n\r\n",
]


def check(data: bytes) -> None:
    """The bytes are what the server sends, with the secret where there is an `@`; whole, and byte by byte."""
    sent = data.replace(b"@", VALUE)
    one, other = asyncio.run(heard([sent])), asyncio.run(heard([sent[at : at + 1] for at in range(len(sent))]))
    assert one == other
    if b"encoding" not in data.lower().replace(b"transfer-encoding", b""):
        assert VALUE not in one


async def heard(pieces: list[bytes]) -> bytes:
    """What a program hears when its server answers so: all heads, and bodies out of their chunks."""
    program = _Side([ASKED])

    async def dial() -> PushedConnection:
        return PushedConnection(_Side(pieces))

    secrets = SecretSet(HOST, {SecretName(HOST, "A"): VALUE.decode()})
    try:
        await serve_http(PushedConnection(program), HOST, 443, dial, secrets, _never)
    except ChannelBroken:
        return b"cut off"
    return _understood(program.heard)


def _understood(answer: bytes) -> bytes:
    """What a program makes of it; there is nothing behind the answer."""
    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=2**20)
    http.send(h11.Request(method="GET", target="/", headers=[("Host", HOST)]))
    http.send(h11.EndOfMessage())
    http.receive_data(answer)
    out = b""
    while (event := http.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
        if isinstance(event, h11.Response | h11.InformationalResponse):
            out += b"%d %b %r\n" % (event.status_code, event.reason, event.headers.raw_items())
        elif isinstance(event, h11.Data):
            out += event.data
        elif isinstance(event, h11.EndOfMessage):
            break
    assert not http.trailing_data[0]
    return out


def _never(_: object) -> None:
    raise AssertionError("The request was in order.")


class _Side:
    """Sends pieces and ends, and keeps what it hears."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.heard = b""
        self._pieces = deque(piece for piece in pieces if piece)

    async def receive(self) -> bytes:
        return self._pieces.popleft() if self._pieces else b""

    async def send(self, data: bytes) -> None:
        self.heard += data

    def end(self) -> None:
        pass

    def close(self) -> None:
        pass

    def on_lost(self, callback: Callable[[], None]) -> None:
        pass
