"""Agents that flood the link with what the protocol allows: others have their turns, and nothing piles up."""

from __future__ import annotations

import asyncio

import pytest

from runtime.link.connection import LinkConnection
from runtime.link.frames import AGENT_CHANNELS, OPEN, RESET, Json, encode_json
from runtime.link.session import LinkSession
from runtime.turns import LARGE
from tests.runtime.link.hostile import HostileStream, once, silent, whole

PAIRS = 10_000
TURNS = 10  # that others get at least; the flood takes some hundred


def pairs(padding: bytes = b"") -> bytes:
    """Channels that are opened and given up at once."""
    numbers = range(AGENT_CHANNELS, AGENT_CHANNELS + PAIRS)
    return padding.join(encode_json(OPEN, n, {}) + padding + encode_json(RESET, n, {}) for n in numbers)


@pytest.mark.parametrize("padding", [b"", b"\xff"])
async def test_others_have_turns_while_a_link_is_flooded(padding: bytes) -> None:
    """However many frames come in one piece, the loop's other tasks go on meanwhile; and all frames are handled."""
    opened = 0
    over = asyncio.Event()

    def count(_: Json, connection: LinkConnection) -> None:
        nonlocal opened
        opened += 1
        connection.close()
        if opened == PAIRS:
            over.set()

    session = await LinkSession.establish(HostileStream(once(lambda _: [pairs(padding)])), 5, count)
    session.open({})
    turns = 0
    while not over.is_set():
        await asyncio.sleep(0)
        turns += opened > 0
    assert turns > TURNS
    assert not session.lost
    session.close()


async def test_a_quiet_link_beside_floods() -> None:
    """What is asked on one link is answered while others are being flooded, long before they are through."""
    opened = [0] * 8
    begun = asyncio.Event()
    sessions = []
    for place in range(len(opened)):

        def count(_: Json, connection: LinkConnection, place: int = place) -> None:
            opened[place] += 1
            connection.close()
            if all(opened):
                begun.set()

        sessions.append(await LinkSession.establish(HostileStream(once(lambda _: [pairs()])), 5, count))
    quiet = await LinkSession.establish(HostileStream(once(lambda n: whole(n, {}))), 5)
    for session in sessions:
        session.open({})
    await begun.wait()
    with quiet.open({}) as channel:
        assert await channel.header() == {}
    assert max(opened) < PAIRS
    for session in (*sessions, quiet):
        session.close()


async def test_one_large_piece_in_each_turn() -> None:
    """What is read at once is bounded, however fast it comes and however little there is to do with it."""
    pieces = [b"\xff" * LARGE] * 20
    session = await LinkSession.establish(HostileStream(once(lambda n: [*pieces, *whole(n, {})])), 5)
    turns = 0
    with session.open({}) as channel:
        header = asyncio.create_task(channel.header())
        while not header.done():
            await asyncio.sleep(0)
            turns += 1
    assert turns > len(pieces)
    session.close()


async def test_one_piece_in_each_turn_before_hello() -> None:
    """Whatever an agent sends before its answer, no more is read than was looked at."""

    class Talkative(HostileStream):
        def write(self, data: bytes) -> None:
            """Sends a lot, then answers."""
            self._pieces = iter([*[b"\x01" * LARGE] * 20, data.lstrip(b"\xff")])
            asyncio.get_running_loop().call_soon(self._deliver)

    turns = 0
    establishing = asyncio.create_task(LinkSession.establish(Talkative(silent), 5))
    while not establishing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 20
    (await establishing).close()
