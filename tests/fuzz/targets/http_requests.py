"""Requests of a hostile program: what its server hears is requests for this host, in the plainest HTTP there is."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import h11

from runtime.egress.bytes import ChannelBroken
from runtime.egress.http import serve_http
from runtime.egress.pushed import PushedConnection
from runtime.egress.secrets import SecretSet
from runtime.network_values import Reason, SecretName

HOST = "api.test"
VALUE = "canary"

SEEDS = [
    b"GET / HTTP/1.1\r\nHost: api.test\r\nX: $A\r\n\r\nGET /2 HTTP/1.1\r\nHost: api.test\r\n\r\n",
    b"POST http://api.test:443/?q HTTP/1.1\r\nhost: API.test.\r\nContent-Length: 3\r\nConnection: x\r\n\r\nabc",
    b"POST / HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX: 1\r\n\r\n",
    b"PUT / HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    b"GET / HTTP/1.0\r\nHost: other.test\r\nAuthorization: Basic dTokQQ==\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: api.test\r\n Folded: 1\r\n\r\n",
    b"CONNECT api.test:443 HTTP/1.1\nHost: api.test\n\n",
]


def check(data: bytes) -> None:
    """The bytes are what the program sends, at once and byte by byte: that makes no difference."""
    whole = asyncio.run(heard([data]))
    assert asyncio.run(heard([data[at : at + 1] for at in range(len(data))])) == whole


async def heard(pieces: list[bytes]) -> list[tuple[bytes, bytes]]:
    """The requests that a server hears, as far as they are whole, when a program sends these: method and target."""
    server = _Server()
    denied: list[Reason] = []

    async def dial() -> PushedConnection:
        return PushedConnection(server)

    secrets = SecretSet(HOST, {SecretName(HOST, "A"): VALUE})
    with suppress(ChannelBroken):
        await serve_http(PushedConnection(_Program(pieces)), HOST, 443, dial, secrets, denied.append)
    assert set(denied) <= {Reason.BAD_REQUEST, Reason.HOST_MISMATCH}
    return server.requests


class _Program:
    """Sends pieces and ends; what it hears is of no interest here."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = deque(pieces)

    async def receive(self) -> bytes:
        return self._pieces.popleft() if self._pieces else b""

    async def send(self, data: bytes) -> None:
        assert data
        assert VALUE.encode() not in data

    def end(self) -> None:
        pass

    def close(self) -> None:
        pass

    def on_lost(self, callback: Callable[[], None]) -> None:
        pass


class _Server:
    """Believes nothing but the strictest HTTP, and answers each request once it is whole."""

    def __init__(self) -> None:
        self.requests: list[tuple[bytes, bytes]] = []
        self._begun = b"", b""
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=2**20)
        self._answers = asyncio.Queue[bytes]()

    async def receive(self) -> bytes:
        return await self._answers.get()

    async def send(self, data: bytes) -> None:
        self._http.receive_data(data)
        while (event := self._http.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Request):
                self._check(event)
                self._begun = event.method, event.target
            elif isinstance(event, h11.EndOfMessage):
                assert not event.headers
                self.requests.append(self._begun)
                self._answer()

    def _check(self, request: h11.Request) -> None:
        names = [name for name, _ in request.headers]
        assert names[0] == b"host"
        assert request.headers[0][1] in (HOST.encode(), f"{HOST}:443".encode())
        assert not {b"connection", b"upgrade", b"te", b"trailer"} & set(names) or (b"connection", b"close") in list(
            request.headers
        )
        assert names.count(b"content-length") + names.count(b"transfer-encoding") <= 1
        assert request.target.startswith(b"/") or (request.method, request.target) == (b"OPTIONS", b"*")
        assert VALUE.encode() not in request.target

    def _answer(self) -> None:
        for event in (h11.Response(status_code=200, headers=[("Content-Length", "0")]), h11.EndOfMessage()):
            if answer := self._http.send(event):
                self._answers.put_nowait(answer)
        if self._http.our_state is h11.DONE:
            self._http.start_next_cycle()

    def end(self) -> None:
        pass

    def close(self) -> None:
        self._answers.put_nowait(b"")

    def on_lost(self, callback: Callable[[], None]) -> None:
        pass
