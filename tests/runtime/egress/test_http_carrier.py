"""How much of what a side says is looked at in one go, and when: what hostile ones say takes everybody's time."""

from __future__ import annotations

import asyncio

import pytest

from runtime.egress.http_answers import MAX_SEARCHED
from runtime.egress.http_carrier import PIECE, SMALL, HttpCarrier
from runtime.egress.http_conversation import Conversation
from runtime.egress.secrets import SecretSet
from runtime.network_values import SecretName
from tests.runtime.egress.stub_channels import StubChannel
from tests.runtime.egress.stub_resolvers import SECONDS

HOST = "api.example.com"
GET = b"GET / HTTP/1.1\r\nHost: api.example.com\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Watched(Conversation):
    """Notes how much of an answer is looked at each time."""

    def __init__(self, secrets: int = 0) -> None:
        values = {SecretName(HOST, f"K{each}"): "s" * 1_000 + f"{each:03d}" for each in range(secrets)}
        super().__init__(HOST, 443, SecretSet(HOST, values))
        self.sizes: list[int] = []

    def from_server(self, data: bytes | memoryview) -> None:
        """The server says something."""
        self.sizes.append(len(data))
        super().from_server(data)


class Carried:
    """A conversation in which the server is about to answer."""

    def __init__(self, conversation: Watched) -> None:
        self.conversation = conversation
        self.program, self.server = StubChannel(), StubChannel()
        self._carrier = HttpCarrier(conversation, self.program, lambda _: None)
        self._carrying: asyncio.Task[None]

    async def begin(self) -> None:
        """The program asks."""
        asking = asyncio.create_task(self._carrier.is_asked())
        await asyncio.sleep(0)
        self.program.receiver.data_received(GET)
        assert await asking
        self._carrying = asyncio.create_task(self._carrier.carry(self.server))
        await asyncio.sleep(0)

    async def end(self) -> None:
        """The server ends."""
        self.server.receiver.eof_received()
        await self._carrying


@pytest.mark.parametrize(("number", "most"), [(1, PIECE), (100, MAX_SEARCHED // 102)])
async def test_the_more_is_looked_for_the_less_is_looked_at_in_one_go(number: int, most: int) -> None:
    """To follow a hundred long values at once takes a hundred times as long; Basic credentials may be two more."""
    carried = Carried(Watched(number))
    async with asyncio.timeout(SECONDS):
        await carried.begin()
        carried.server.receiver.data_received(HEAD + b"x" * 20 * PIECE)
        await carried.end()
    assert 1024 <= max(carried.conversation.sizes) <= most
    assert carried.program.heard.count(b"x") == 20 * PIECE


async def test_hundreds_of_answers_at_the_same_time_are_looked_at_in_turn() -> None:
    """One in each turn of the loop, in which others have theirs; only what is small passes at once."""
    all_carried = [Carried(Watched()) for _ in range(300)]
    async with asyncio.timeout(SECONDS):
        for carried in all_carried:
            await carried.begin()
            carried.server.receiver.data_received(HEAD)
            carried.conversation.sizes.clear()
        for carried in all_carried:
            carried.server.receiver.data_received(b"x" * (PIECE // SMALL))
        looked_at = 0
        while looked_at < len(all_carried):
            assert looked_at == sum(len(carried.conversation.sizes) for carried in all_carried)
            looked_at += 1
            await asyncio.sleep(0)
        for carried in all_carried:
            carried.conversation.sizes.clear()
            carried.server.receiver.data_received(b"x" * (PIECE // SMALL - 1))
            assert carried.conversation.sizes == [PIECE // SMALL - 1]
            await carried.end()


async def test_what_comes_while_others_have_their_turn_is_looked_at_after_it() -> None:
    """In order, and the end last."""
    first, carried = Carried(Watched()), Carried(Watched())
    async with asyncio.timeout(SECONDS):
        await first.begin()
        await carried.begin()
        carried.server.receiver.data_received(HEAD)
        first.server.receiver.data_received(HEAD + b"w" * PIECE)
        for piece in (b"x" * (PIECE // SMALL), b"y", b"z" * PIECE):
            carried.server.receiver.data_received(piece)
        await carried.end()
        await first.end()
    body = carried.program.heard.partition(b"\r\n\r\n")[2]
    assert body.translate(None, b"0123456789abcdef\r\n") == b"x" * (PIECE // SMALL) + b"y" + b"z" * PIECE
