from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress

from runtime.egress.turns import LARGE, in_turn
from tests.runtime.egress.test_splice import spliced

STREAMS = 16
PIECE = 256 * 1024  # bytes, the most that a loop reads at once


def noting(noted: list[str], text: str) -> Callable[[], None]:
    """What notes a text when it is called."""
    return lambda: noted.append(text)


async def test_one_in_each_turn_of_the_loop() -> None:
    """In their order, and what else is to be done comes in between."""
    noted: list[str] = []
    for text in ("first", "second", "third"):
        in_turn(noting(noted, text))
    for _ in range(4):
        await asyncio.sleep(0)
        noted.append("others")
    assert noted == ["first", "others", "second", "others", "third", "others", "others"]


async def test_what_fails_holds_up_nobody() -> None:
    """The loop is told, and the next one has its turn."""
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
    error = OSError()

    def fail() -> None:
        raise error

    noted: list[str] = []
    in_turn(fail)
    in_turn(noting(noted, "next"))
    await asyncio.sleep(0.01)
    assert (told, noted) == ([error], ["next"])


def test_each_loop_has_turns_of_its_own() -> None:
    """What one that has ended left waiting holds up no other."""
    noted: list[str] = []

    async def ask(text: str, turns: int) -> None:
        in_turn(noting(noted, text))
        in_turn(noting(noted, text))
        for _ in range(turns):
            await asyncio.sleep(0)

    asyncio.run(ask("one", 0))
    asyncio.run(ask("other", 2))
    assert noted[-2:] == ["other", "other"]


async def test_large_streams_go_on_one_by_one() -> None:
    """However many there are: once all have begun, a turn of the loop is for a piece of one, and what is small."""
    sizes: list[int] = []

    def count(size: int) -> None:
        sizes[-1] += size

    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(spliced(count)) for _ in range(STREAMS)]
        for one, _, _ in streams:
            with suppress(BlockingIOError):
                while True:
                    one.peer.send(bytes(LARGE))
        for _ in range(4 * STREAMS):
            sizes.append(0)
            await asyncio.sleep(0)
            for _, other, _ in streams:
                with suppress(BlockingIOError):
                    other.peer.recv(STREAMS * PIECE)
        assert 0 < max(sizes[STREAMS:]) <= STREAMS // 4 * PIECE
