from __future__ import annotations

import asyncio
import math
from contextlib import ExitStack

import pytest

from runtime import starts as starts_module
from runtime.errors import Busy
from runtime.starts import AT_ONCE, MEMORY_RETRY_SECONDS, Starts

PLENTY = 2**40
RESERVE = 1000
GUESS = starts_module._FIRST_GUESS


def of_a_large_host() -> Starts:
    """Starts on a host that has enough memory for all of them."""
    return Starts(lambda: PLENTY, RESERVE)


async def test_turns() -> None:
    """So many have a turn at a time, in the order in which they came, and every one in the end."""
    starts = of_a_large_host()
    had, most, at_once = [], 0, 0

    async def start(number: int) -> None:
        nonlocal most, at_once
        async with starts.turn():
            had.append(number)
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0)
            at_once -= 1

    await asyncio.gather(*map(start, range(5 * AT_ONCE)))
    assert had == list(range(5 * AT_ONCE))
    assert most == AT_ONCE


async def test_whether_a_turn_can_be_had() -> None:
    """Not while all are taken; again once one is given back, whatever became of it."""
    starts = of_a_large_host()
    fail = asyncio.Event()

    async def start() -> None:
        async with starts.turn():
            await fail.wait()
            raise RuntimeError

    seen = [starts.has_turns]
    tasks = [asyncio.create_task(start()) for _ in range(AT_ONCE)]
    await asyncio.sleep(0)
    seen.append(starts.has_turns)
    fail.set()
    await asyncio.wait(tasks)
    assert all(isinstance(task.exception(), RuntimeError) for task in tasks)
    assert [*seen, starts.has_turns] == [True, False, True]


def test_no_more_than_can_be_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who would have to wait for too long is told so at once, with a time; whoever ends makes room."""
    monkeypatch.setattr(starts_module, "LONGEST_WAIT_SECONDS", 10 * GUESS)
    starts = of_a_large_host()
    with ExitStack() as admitted:
        for _ in range(10 * AT_ONCE + 1):
            admitted.enter_context(starts.admission())
        for _ in range(3):
            with pytest.raises(Busy) as refused, starts.admission():
                pytest.fail("It is admitted")
            assert refused.value.retry_after >= 1
    with starts.admission():
        pass


def test_when_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is refused is told to come again when those that wait will have had their turns, by how long starts take."""
    seconds = 20
    monkeypatch.setattr(starts_module, "LONGEST_WAIT_SECONDS", seconds)
    starts = of_a_large_host()
    with ExitStack() as admitted:
        for _ in range(math.floor(seconds / GUESS * AT_ONCE) + 1):
            admitted.enter_context(starts.admission())
        with pytest.raises(Busy) as refused:
            starts.check()
    assert abs(refused.value.retry_after - seconds) <= 1


def test_a_long_time_is_told_as_a_shorter_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it will take, the time is one that OpenAI's clients wait for."""
    monkeypatch.setattr(starts_module, "LONGEST_WAIT_SECONDS", 1000)
    starts = of_a_large_host()
    with ExitStack() as admitted:
        for _ in range(math.floor(1000 / GUESS * AT_ONCE) + 1):
            admitted.enter_context(starts.admission())
        with pytest.raises(Busy) as refused:
            starts.check()
    assert refused.value.retry_after == 60


async def test_who_has_failed_makes_room_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that fails doesn't count as waiting for ever."""
    monkeypatch.setattr(starts_module, "LONGEST_WAIT_SECONDS", 0.0)
    starts = of_a_large_host()
    for _ in range(3):
        with pytest.raises(RuntimeError), starts.admission():
            raise RuntimeError


async def test_how_long_starts_take_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The longer starts have taken lately, the later the refused should come again; the shorter, the more may wait."""
    monkeypatch.setattr(starts_module, "LONGEST_WAIT_SECONDS", 10 * GUESS)
    starts = of_a_large_host()

    def retry_after() -> int:
        with pytest.raises(Busy) as refused, starts.admission():
            pytest.fail("It is admitted")
        return refused.value.retry_after

    with ExitStack() as admitted:
        for _ in range(10 * AT_ONCE + 1):
            admitted.enter_context(starts.admission())
        at_first = retry_after()
        async with starts.turn():
            await asyncio.sleep(5 * GUESS)
        assert retry_after() > at_first
        for _ in range(10):
            async with starts.turn():
                pass
        admitted.enter_context(starts.admission())


def test_no_memory() -> None:
    """Below the reserve nothing is admitted, and it is said when to come again; above it, it is."""
    free = RESERVE
    starts = Starts(lambda: free, RESERVE)
    with starts.admission():
        free = RESERVE - 1
        with pytest.raises(Busy) as refused, starts.admission():
            pytest.fail("It is admitted")
    assert refused.value.retry_after == MEMORY_RETRY_SECONDS
    assert not starts.has_memory()
    free = 2 * RESERVE - 1
    assert starts.has_memory()
    assert not starts.has_memory(2)


def test_memory_that_is_not_known() -> None:
    """Where it isn't known how much there is, there is enough."""
    starts = Starts(lambda: None, RESERVE)
    assert starts.has_memory(1000)
    with starts.admission():
        pass


async def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has no turn in time is told so, as is who comes while those that have one need that long."""
    starts = of_a_large_host()
    stalled = asyncio.Event()

    async def start() -> None:
        with starts.admission():
            async with starts.turn():
                await stalled.wait()
                raise RuntimeError

    tasks = [asyncio.create_task(start()) for _ in range(AT_ONCE)]
    await asyncio.sleep(0)
    monkeypatch.setattr(starts_module, "LONGEST_WAIT_SECONDS", 0.01)
    with pytest.raises(Busy) as refused:
        async with starts.turn():
            pytest.fail("It has a turn")
    assert refused.value.retry_after >= 1
    stalled.set()
    await asyncio.wait(tasks)
    assert all(isinstance(task.exception(), RuntimeError) for task in tasks)
    async with starts.turn():
        assert starts.has_turns


async def test_how_long_starts_take_that_fail_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine on which every start fails after a while isn't taken for a fast one."""
    starts = of_a_large_host()

    async def start() -> None:
        async with starts.turn():
            await asyncio.sleep(2 * GUESS)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await start()
    monkeypatch.setattr(starts_module, "LONGEST_WAIT_SECONDS", GUESS / AT_ONCE)
    with starts.admission(), pytest.raises(Busy):
        starts.check()


async def test_memory_that_went_while_one_waited() -> None:
    """What was admitted is refused when its turn comes and those before it have taken the memory; its turn is free."""
    free = RESERVE
    starts = Starts(lambda: free, RESERVE)
    with starts.admission():
        free = RESERVE - 1
        for _ in range(2 * AT_ONCE):
            with pytest.raises(Busy) as refused:
                async with starts.turn():
                    pytest.fail("It has a turn")
    assert refused.value.retry_after == MEMORY_RETRY_SECONDS
    free = RESERVE
    async with starts.turn():
        pass
