"""Connections whose TLS ends here, so that a secret can be put in: programs meet the sandbox's own authority."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable

from runtime.egress.authority import Authority
from runtime.egress.bytes import ByteChannel
from runtime.egress.secrets import SecretSet
from runtime.network_values import Reason


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

    `dial` gives a TCP channel to the host, or raises Denied; TLS over it, verified by `trust` (see upstream_trust), is
    done here. `deny` is called as serve_http does it, and when the program's TLS fails. Closes what it dialled, not
    `client`. Raises ChannelBroken, and SandboxLost when `client` is gone.
    """
    raise NotImplementedError
