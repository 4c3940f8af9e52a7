from __future__ import annotations

import asyncio
import os

import pytest

from runtime.egress.bytes import ChannelBroken
from runtime.egress.denial import Denied
from runtime.egress.splice import splice
from runtime.egress.traffic import Allowance
from runtime.network_values import Reason
from tests.memory import MIB, growth
from tests.runtime.egress.socket_pairs import socket_pair
from tests.runtime.egress.splices import spliced


async def test_bytes_pass_and_each_direction_ends_by_itself() -> None:
    """What one has ended can still be answered, and the splice is over when both have."""
    async with spliced() as (one, other, splicing):
        await one.says(b"question")
        one.ends()
        assert await other.hears(100) == b"question"
        assert not splicing.done()
        await other.says(b"answer")
        other.ends()
        assert await one.hears(100) == b"answer"
        await splicing


async def test_what_came_before_passes_too() -> None:
    """Bytes, and an end, that were there already when the splice began."""
    async with socket_pair() as one, socket_pair() as other:
        await one.says(b"early")
        one.ends()
        await asyncio.sleep(0.1)
        splicing = asyncio.create_task(splice(one.channel, other.channel))
        assert await other.hears(100) == b"early"
        other.ends()
        await splicing


@pytest.mark.parametrize("swapped", [False, True])
async def test_a_side_that_is_gone(swapped: bool) -> None:
    """A reset of either ends the splice; closing the channels resets the other."""
    async with spliced() as (one, other, splicing):
        gone, left = (other, one) if swapped else (one, other)
        await gone.says(b"x")
        assert await left.hears(1) == b"x"
        gone.resets()
        with pytest.raises(ChannelBroken):
            await splicing
        left.channel.close()
        with pytest.raises(ConnectionResetError):
            await left.hears(1)


async def test_one_that_is_gone_already() -> None:
    """A splice with what was lost before isn't begun."""
    async with socket_pair() as one, socket_pair() as other:
        one.channel.cut_off()
        with pytest.raises(ChannelBroken):
            await splice(one.channel, other.channel)


@pytest.mark.parametrize("swapped", [False, True])
async def test_what_mustnt_pass_doesnt(swapped: bool) -> None:
    """Bytes are counted in both directions together before they go on; beyond the limit none do, and it is told why."""
    allowance = Allowance(10)
    async with spliced(allowance.take, allowance.take) as (one, other, splicing):
        await one.says(b"12345")
        assert await other.hears(5) == b"12345"
        talker, listener = (other, one) if swapped else (one, other)
        await talker.says(b"123456")
        with pytest.raises(Denied) as denied:
            await splicing
        assert denied.value.reason is Reason.BYTE_LIMIT
        await talker.says(b"more")
        listener.channel.close()
        with pytest.raises(ConnectionResetError):
            await listener.hears(1)


async def test_a_side_that_reads_slowly_makes_the_other_wait() -> None:
    """Nothing piles up here, nothing is lost, and it isn't over before all was taken."""
    data = os.urandom(MIB) * 64
    async with spliced() as (one, other, splicing):
        with growth(os.getpid(), "64 MiB for a side that doesn't read") as grown:
            saying = asyncio.create_task(one.says(data))
            await asyncio.sleep(0.5)
            assert not saying.done()
        assert grown() < 16 * MIB
        other.ends()
        assert await other.hears(len(data)) == data
        one.ends()
        assert await other.hears(1) == b""
        await splicing


async def test_it_isnt_over_before_the_kernel_has_everything() -> None:
    """Though both have ended: who closes the channels then leaves nothing behind that goes on by itself."""
    async with spliced() as (one, other, splicing):
        other.ends()
        size = 0
        one.peer.settimeout(0.5)
        try:
            while True:
                size += await asyncio.to_thread(one.peer.send, bytes(MIB))
        except TimeoutError:
            one.ends()
        await asyncio.sleep(0.2)
        assert not splicing.done()
        assert len(await other.hears(size)) == size
        await splicing


async def test_nothing_passes_once_it_is_given_up() -> None:
    """Closing the channels cuts both sides off at once."""
    async with spliced() as (one, other, splicing):
        await one.says(b"x")
        assert await other.hears(1) == b"x"
        splicing.cancel()
        one.channel.close()
        other.channel.close()
        for side in (one, other):
            with pytest.raises(ConnectionResetError):
                await side.hears(1)
