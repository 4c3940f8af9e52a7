"""TLS of programs that ends in the runtime, before a stub server: what a test needs of it."""

from __future__ import annotations

import asyncio
import ssl
from ipaddress import ip_address
from typing import Self

from runtime.egress.authority import Authority
from runtime.egress.bytes import ByteChannel
from runtime.egress.config import TLS_PORT
from runtime.egress.intercept import intercept
from runtime.egress.secrets import SecretSet
from runtime.egress.tcp import TcpChannel
from runtime.network_values import Reason, SecretName
from tests.runtime.egress.tls_programs import TlsProgram

HOST = "api.example.com"
SECRET = SecretName(HOST, "API_KEY")
CANARY = "sk-canary-7f3kD92nXqLp0aWm"


class Interception:
    """One sandbox's, for `host`; programs' connections are led to `address`, whose server `trust` has to verify."""

    def __init__(
        self, address: str, trust: ssl.SSLContext, values: dict[SecretName, str] | None = None, host: str = HOST
    ) -> None:
        self.values = {SECRET: CANARY} if values is None else values
        self.authority = Authority([secret.domain for secret in self.values])
        self.denied: list[Reason] = []
        self.carried: list[asyncio.Task[None]] = []
        self._address = address
        self._trust = trust
        self._host = host
        self._programs_trust = ssl.create_default_context(cadata=self.authority.certificate)

    def connect(self, server_name: str = HOST, session: ssl.SSLSession | None = None) -> TlsProgram:
        """A program's connection, before its handshake; one that has a session would rather go on with that."""
        program = TlsProgram(self._programs_trust, server_name, session)
        self.carried.append(asyncio.create_task(self._carry(program)))
        return program

    async def asks(self, request: bytes) -> bytes:
        """What a program hears whose one request this is. It should say that the connection is to end."""
        program = await self.connect().shake_hands()
        await program.send(request)
        answer = await program.read_all()
        program.program.end()
        await asyncio.wait([self.carried[-1]])
        return answer

    async def _carry(self, program: TlsProgram) -> None:
        connection = program.connection
        try:
            hello = await connection.receive()
            secrets = SecretSet(self._host, self.values)
            await intercept(
                connection,
                hello,
                self._host,
                TLS_PORT,
                self._dial,
                self._trust,
                self.authority,
                secrets,
                self.denied.append,
            )
        finally:
            connection.close()

    async def _dial(self) -> ByteChannel:
        return await TcpChannel.connect(ip_address(self._address), TLS_PORT)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self.carried:
            task.cancel()
        await asyncio.gather(*self.carried, return_exceptions=True)


def request(path: str, *lines: str, host: str = HOST, body: bytes = b"", last: bool = True) -> bytes:
    """A request, the last one on its connection unless said otherwise."""
    method = "POST" if body else "GET"
    framing = [f"Content-Length: {len(body)}"] if body else []
    closing = ["Connection: close"] if last else []
    head = "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", *lines, *framing, *closing, "", ""])
    return head.encode() + body


def body_of(answer: bytes) -> bytes:
    """The body of an answer, out of its chunks if it is in chunks."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"chunked" not in head:
        return body
    pieces = []
    at = 0
    while at < len(body):
        end_of_size = body.index(b"\r\n", at)
        size = int(body[at:end_of_size], 16)
        pieces.append(body[end_of_size + 2 : end_of_size + 2 + size])
        at = end_of_size + 2 + size + 2
    return b"".join(pieces)
