"""A connection out of a sandbox that may be made, on its way to its server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import partial

from runtime.egress.attempts import Attempt
from runtime.egress.authority import Authority
from runtime.egress.bytes import ByteChannel
from runtime.egress.config import TLS_PORT
from runtime.egress.dial import Dialled
from runtime.egress.hello import read_hello
from runtime.egress.hello_retry import HelloRetry
from runtime.egress.http import serve_http
from runtime.egress.intercept import intercept
from runtime.egress.meanwhile import meanwhile
from runtime.egress.metered import MeteredConnection
from runtime.egress.policy import Decision
from runtime.egress.secrets import SecretSet
from runtime.egress.shared import Shared
from runtime.egress.splice import splice
from runtime.egress.tcp import TcpChannel
from runtime.network_values import Reason


class Passage:
    """One connection, from the program at `client` to the host and port of `decision`, which is an allowed one.

    `questions` are the places for those that the sandbox asks. Each way through raises Denied, ChannelBroken, or
    SandboxLost, and doesn't close `client`.
    """

    def __init__(
        self,
        decision: Decision,
        attempt: Attempt,
        client: MeteredConnection,
        questions: asyncio.Semaphore,
        shared: Shared,
    ) -> None:
        assert decision.port is not None  # noqa: S101 - or it wouldn't be allowed
        self._host = decision.host
        self._port = decision.port
        self._reason = decision.reason
        self._attempt = attempt
        self._client = client
        self._questions = questions
        self._shared = shared

    async def go(self, authority: Authority | None, secrets: SecretSet | None) -> None:
        """Carry the connection in the way that was decided. Those with secrets need the sandbox's authority.

        The server is dialled while the program's ClientHello is still on its way, but hears nothing unless it is good.
        """
        if self._reason is Reason.PLAIN_HTTP:
            await self._as_http()
        else:
            async with meanwhile(self._dial()) as dialling:
                hello, rest = await self._hello() if self._port == TLS_PORT else (b"", b"")
                if self._reason is Reason.INTERCEPTED:
                    assert authority is not None and secrets is not None  # noqa: S101, PT018 - or why intercept
                    await self._as_http_in_tls(hello + rest, dialling, authority, secrets)
                else:
                    await self._untouched(hello, rest, dialling)

    async def _untouched(self, hello: bytes, rest: bytes, dialling: Awaitable[Dialled]) -> None:
        """After the ClientHello, if there is to be one, and the `rest` that was read with it."""
        server: ByteChannel = await self._let_through(dialling)
        if hello:
            server.write(hello)
            server = HelloRetry(server, self._host, rest)
        await splice(self._client, server)

    async def _as_http(self) -> None:
        async def dial() -> ByteChannel:
            return await self._let_through(self._dial())

        await serve_http(self._client, self._host, self._port, dial, None, self._attempt.refuse_request)

    async def _as_http_in_tls(
        self, beginning: bytes, dialling: Awaitable[Dialled], authority: Authority, secrets: SecretSet
    ) -> None:
        await intercept(
            self._client,
            beginning,
            self._host,
            self._port,
            partial(self._let_through, dialling),
            await self._shared.trust(),
            authority,
            secrets,
            self._attempt.refuse_request,
        )

    async def _hello(self) -> tuple[bytes, bytes]:
        return await read_hello(self._client, self._host, self._shared.config.client_hello_seconds)

    async def _dial(self) -> Dialled:
        """Connect to the host, and say nothing there yet."""
        self._attempt.begin()
        dialled = await self._shared.dialler.dial(self._host, self._port, self._questions)
        self._attempt.reach(dialled.address)
        return dialled

    async def _let_through(self, dialling: Awaitable[Dialled]) -> TcpChannel:
        """The server, once it is dialled. As far as the records are concerned, the connection is let through to it."""
        dialled = await dialling
        self._attempt.let_through(self._reason)
        return dialled.channel
