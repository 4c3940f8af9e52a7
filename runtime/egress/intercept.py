"""Connections whose TLS ends here, so that secrets can be put in: programs meet the sandbox's own authority."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable

from runtime.egress.authority import Authority
from runtime.egress.bytes import ByteChannel, ChannelBroken
from runtime.egress.denial import Denied
from runtime.egress.http import serve_http
from runtime.egress.linger import linger
from runtime.egress.meanwhile import meanwhile
from runtime.egress.secrets import SecretSet
from runtime.egress.tls import TlsChannel
from runtime.network_values import Reason

HANDSHAKE_SECONDS = 10.0


async def intercept(
    client: ByteChannel,
    hello: bytes,
    host: str,
    port: int,
    dial: Callable[[], Awaitable[ByteChannel]],
    trust: ssl.SSLContext,
    authority: Authority,
    secrets: SecretSet,
    deny: Callable[[Reason], None],
) -> None:
    """Be `host` towards the program at `client`, whose ClientHello `hello` was read already, and its client elsewhere.

    `dial` gives a TCP channel to the host, or raises Denied; TLS over it, verified by `trust`, is done here, while the
    program shakes hands. `deny` is called as serve_http does it. Closes what it dialled, not `client`.

    Raises Denied, of which the program was told if its own TLS works, ChannelBroken, and SandboxLost when `client` is
    gone.
    """
    program = TlsChannel.as_server(client, authority.context(host), hello)
    async with meanwhile(_verified(dial, trust, host)) as dialling:
        await _shake_hands(program, client)
        await serve_http(program, host, port, lambda: dialling, secrets, deny)


async def _shake_hands(program: TlsChannel, client: ByteChannel) -> None:
    try:
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            await program.shake_hands()
    except (ssl.SSLError, TimeoutError):
        try:
            await linger(client)  # TLS has told why
        finally:
            raise Denied(Reason.TLS_FAILED) from None


async def _verified(dial: Callable[[], Awaitable[ByteChannel]], trust: ssl.SSLContext, host: str) -> ByteChannel:
    """TLS with a server that has shown to be `host`. Raises Denied."""
    channel = await dial()
    server = TlsChannel.as_client(channel, trust, host)
    try:
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            await server.shake_hands()
    except BaseException as error:
        channel.close()
        if (reason := _why(error)) is not None:
            raise Denied(reason) from None
        raise
    return server


def _why(error: BaseException) -> Reason | None:
    """Why there is no TLS with a server; None if it isn't the server's doing."""
    match error:
        case ssl.SSLCertVerificationError():
            return Reason.CERTIFICATE_INVALID
        case ssl.SSLError() | ChannelBroken():
            return Reason.CONNECT_FAILED
        case TimeoutError():
            return Reason.CONNECT_TIMEOUT
    return None
