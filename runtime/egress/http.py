"""HTTP/1.1 on its way out of a sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from runtime.egress.bytes import ByteChannel, ChannelBroken
from runtime.egress.denial import Denied
from runtime.egress.http_answers import own_answer
from runtime.egress.http_conversation import Conversation
from runtime.egress.linger import linger
from runtime.egress.pace import Pace
from runtime.egress.secrets import SecretSet
from runtime.network_values import Reason

PIECE = 64 * 1024
"""Bytes of one side that are looked at in one go, at most."""


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
    conversation = Conversation(host, port, secrets or SecretSet(host, {}))
    while not (conversation.over or conversation.to_server):
        conversation.from_program(await client.receive())
    if not conversation.over:
        server = await _dialled(client, host, dial)
        try:
            await _Carrier(conversation, client, server).carry()
        finally:
            server.close()
    if conversation.refusal is not None:
        deny(conversation.refusal.reason)
        await client.send(own_answer(conversation.refusal.status, conversation.refusal.text))
    await linger(client)


async def _dialled(client: ByteChannel, host: str, dial: Callable[[], Awaitable[ByteChannel]]) -> ByteChannel:
    try:
        return await dial()
    except Denied as denied:
        await client.send(own_answer(502, f"{host} is not to be reached: {denied.reason}."))
        await linger(client)
        raise


class _Carrier:
    """Brings each side's words to a conversation, and what comes of them to the other side, until it is over."""

    def __init__(self, conversation: Conversation, client: ByteChannel, server: ByteChannel) -> None:
        self._conversation = conversation
        self._client = client
        self._server = server
        self._answered = asyncio.Event()

    async def carry(self) -> None:
        """Raises what a channel raises, but for the server's: what that has said before it was gone still counts."""
        await self._hand_out()
        sides = [asyncio.create_task(self._from_program()), asyncio.create_task(self._from_server())]
        try:
            for ended in asyncio.as_completed(sides):
                await ended
                if self._conversation.over:
                    break
        finally:
            for side in sides:
                side.cancel()
            await asyncio.gather(*sides, return_exceptions=True)

    async def _from_program(self) -> None:
        pace = Pace(PIECE)
        while not self._conversation.over:
            while self._conversation.is_early:
                self._answered.clear()
                await self._answered.wait()
            data = await self._client.receive()
            await self._take(self._conversation.from_program, data, pace)
            if not data:
                break

    async def _from_server(self) -> None:
        pace = Pace(PIECE)
        while not self._conversation.over:
            try:
                data = await self._server.receive()
            except ChannelBroken:
                self._conversation.server_lost()
                await self._hand_out()
            else:
                await self._take(self._conversation.from_server, data, pace)
            self._answered.set()

    async def _take(self, take: Callable[[bytes | memoryview], None], data: bytes, pace: Pace) -> None:
        rest = memoryview(data)
        while not self._conversation.over:
            pace.begin()
            take(rest[: pace.size])
            rest = rest[pace.size :]
            await self._hand_out()
            if not rest:
                break
            await pace.end()

    async def _hand_out(self) -> None:
        conversation = self._conversation
        if data := _emptied(conversation.to_server):
            with suppress(ChannelBroken):
                await self._server.send(data)
        if data := _emptied(conversation.to_program):
            await self._client.send(data)


def _emptied(buffer: bytearray) -> bytes:
    """What was in there."""
    data = bytes(buffer)
    buffer.clear()
    return data
