"""What holds for every ByteChannel, whatever carries its bytes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from runtime.egress.bytes import ByteChannel, ChannelBroken
from runtime.errors import SandboxLost
from tests.runtime.egress.memory_connections import ConnectionReset, Program, metered
from tests.runtime.egress.receivers import Told
from tests.runtime.egress.socket_pairs import socket_pair
from tests.runtime.egress.tls_programs import tls_channel

MANY = os.urandom(1024) * 16 * 1024
"""More than has room anywhere."""


@dataclass
class Ends:
    """A channel, and what the other side does: it says something, hears all up to the end, ends, or is gone."""

    channel: ByteChannel
    says: Callable[[bytes], Coroutine[Any, Any, None]]
    hears_all: Callable[[], Coroutine[Any, Any, bytes]]
    ends: Callable[[], None]
    goes: Callable[[], None]


@asynccontextmanager
async def over_tcp() -> AsyncIterator[Ends]:
    """A socket."""
    async with socket_pair() as pair:
        yield Ends(pair.channel, pair.says, pair.hears_all, pair.ends, pair.resets)


@asynccontextmanager
async def over_link() -> AsyncIterator[Ends]:
    """What is awaited, and counted."""
    program = Program()
    yield Ends(metered(program), program.send, program.read_all, program.end, program.cut)
    program.connection.close()


@asynccontextmanager
async def over_tls() -> AsyncIterator[Ends]:
    """TLS over that."""
    async with tls_channel() as (channel, program):
        yield Ends(channel, program.send, program.read_all, program.program.end, program.program.cut)


@pytest.fixture(params=[over_tcp, over_link, over_tls])
async def ends(request: pytest.FixtureRequest) -> AsyncIterator[Ends]:
    """Both ends of a channel of each kind."""
    async with request.param() as both:
        yield both


async def test_bytes_and_ends_pass_both_ways(ends: Ends) -> None:
    """What came before there was a receiver, and after; the end once. What one has ended can still be answered."""
    await ends.says(b"early ")
    await asyncio.sleep(0.01)
    told = Told()
    ends.channel.hand_over(told)
    await ends.says(b"late")
    await told.until(lambda: told.data == b"early late")
    ends.ends()
    await told.until(lambda: told.ends == 1)
    ends.channel.write(b"answer")
    ends.channel.end()
    ends.channel.end()
    assert await ends.hears_all() == b"answer"
    ends.channel.close()
    assert (told.ends, told.lost) == (1, [])


async def test_what_there_is_no_room_for_is_kept(ends: Ends) -> None:
    """The receiver is told, also a new one; an end comes after all of it, and then there is room again."""
    first, second = Told(), Told()
    ends.channel.hand_over(first)
    ends.channel.write(MANY)
    assert not first.has_room
    ends.channel.hand_over(second)
    assert not second.has_room
    ends.channel.end()
    assert await ends.hears_all() == MANY
    await second.until(lambda: second.has_room)
    assert not first.has_room


async def test_who_is_paused_makes_the_other_side_wait(ends: Ends) -> None:
    """Until it is resumed, and nothing is lost."""
    told = Told()
    ends.channel.hand_over(told)
    ends.channel.pause()
    saying = asyncio.create_task(ends.says(MANY))
    await asyncio.sleep(0.2)
    assert not saying.done()
    assert len(told.data) < len(MANY) // 4
    ends.channel.resume()
    await saying
    ends.ends()
    await told.until(lambda: told.ends == 1)
    assert told.data == MANY


async def test_a_new_receiver_is_told_of_an_end(ends: Ends) -> None:
    """Though another one was before."""
    first, second = Told(), Told()
    ends.channel.hand_over(first)
    ends.ends()
    await first.until(lambda: first.ends == 1)
    ends.channel.end()
    ends.channel.hand_over(second)
    assert second.ends == 1


async def test_the_other_side_is_gone(ends: Ends) -> None:
    """Also a new receiver is told, and writing does no harm."""
    first, second = Told(), Told()
    ends.channel.hand_over(first)
    await ends.says(b"x")
    await first.until(lambda: first.data == b"x")
    ends.goes()
    await first.until(lambda: bool(first.lost))
    assert isinstance(first.lost[0], ChannelBroken | SandboxLost)
    ends.channel.hand_over(second)
    assert isinstance(second.lost[0], ChannelBroken | SandboxLost)
    ends.channel.write(b"x")
    ends.channel.end()


async def test_a_receiver_that_fails_is_told_so(ends: Ends) -> None:
    """As if the other side were gone by that."""

    class Failing(Told):
        def data_received(self, data: bytes) -> None:
            raise ValueError(data)

    told = Failing()
    ends.channel.hand_over(told)
    await ends.says(b"x")
    await told.until(lambda: bool(told.lost))
    assert isinstance(told.lost[0], ValueError)


async def test_closing_tells_nothing_more(ends: Ends) -> None:
    """And cuts the other side off."""
    told = Told()
    ends.channel.hand_over(told)
    ends.channel.close()
    ends.channel.close()
    with pytest.raises((ConnectionReset, ConnectionResetError)):
        await ends.hears_all()
    assert (told.data, told.ends, told.lost) == (b"", 0, [])
