"""HTTP/1.1 on its way out of a sandbox: every request is read, checked and written anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from runtime.egress.bytes import ByteChannel
from runtime.egress.secrets import SecretSet
from runtime.network_values import Reason


async def serve_http(
    client: ByteChannel,
    host: str,
    port: int,
    dial: Callable[[], Awaitable[ByteChannel]],
    secrets: SecretSet | None,
    deny: Callable[[Reason], None],
) -> None:
    """Pass on what the program at `client` asks of `host`, a canonical name, and the answers, until one has enough.

    `dial` is called once, for the first request that is in order; it raises Denied. `deny` is called for every request
    that is refused, each of which is answered. With `secrets` their values are put into headers, and hidden in answers.
    Closes what it dialled, not `client`. Raises ChannelBroken, and SandboxLost when `client` is gone.
    """
    raise NotImplementedError
