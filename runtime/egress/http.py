"""HTTP/1.1 on its way out of a sandbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from runtime.egress.bytes import ByteChannel
from runtime.egress.denial import Denied
from runtime.egress.http_answers import own_answer
from runtime.egress.http_carrier import HttpCarrier
from runtime.egress.http_conversation import Conversation
from runtime.egress.linger import linger
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

    `dial` is called once, for the first request that is in order. `deny` is called for a request that is refused: it
    is answered, and the last. With `secrets` their values are put into headers, and hidden in answers.

    Closes what it dialled, not `client`. Raises Denied, of which the program was told when it came from `dial`,
    ChannelBroken, and SandboxLost when `client` is gone.
    """
    carrier = HttpCarrier(Conversation(host, port, secrets or SecretSet(host, {})), client, deny)
    if await carrier.is_asked():
        server = await _dialled(client, host, dial)
        try:
            await carrier.carry(server)
        finally:
            server.close()
    await linger(client)


async def _dialled(client: ByteChannel, host: str, dial: Callable[[], Awaitable[ByteChannel]]) -> ByteChannel:
    try:
        return await dial()
    except Denied as denied:
        try:
            client.write(own_answer(502, f"{host} is not to be reached: {denied.reason}."))
            await linger(client)
        finally:  # whoever cuts the connection off meanwhile: that isn't why it comes to nothing
            raise denied
