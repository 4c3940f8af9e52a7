from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from contextvars import Context, ContextVar

from runtime.turns import LARGE, in_turn, share_turns
from tests.runtime.egress.splices import spliced

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


async def test_who_has_much_to_do_has_no_more_turns() -> None:
    """What is done in contexts of its own, such as a sandbox's, is in turn with what others do, however much it is."""
    noted: list[str] = []
    many, few = Context(), Context()
    for context in (many, few):
        context.run(share_turns)
    for number in range(3):
        many.copy().run(in_turn, noting(noted, f"many {number}"))
    for number in range(2):
        few.run(in_turn, noting(noted, f"few {number}"))
    for _ in range(6):
        await asyncio.sleep(0)
    assert noted == ["many 0", "few 0", "many 1", "few 1", "many 2"]


async def test_each_is_called_in_its_own_context() -> None:
    """So what it asks for in turn is its own, too."""
    noted: list[object] = []
    variable = ContextVar("variable", default="none")
    contexts = [Context(), Context()]
    for number, context in enumerate(contexts):
        context.run(variable.set, str(number))
        context.run(in_turn, lambda: noted.append(variable.get()))
    for _ in range(3):
        await asyncio.sleep(0)
    assert noted == ["0", "1"]


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


async def test_one_large_stream_passes_as_much_as_many_of_another_sandbox() -> None:
    """Each sandbox's are in turn among themselves."""
    passed = {"many": 0, "one": 0}
    enough = asyncio.Event()

    async def stream(whose: str, number: int) -> None:
        def count(size: int) -> None:
            passed[whose] += size
            if passed["one"] > 100 * PIECE:
                enough.set()

        share_turns()
        async with AsyncExitStack() as stack:
            streams = [await stack.enter_async_context(spliced(count)) for _ in range(number)]
            while True:
                await asyncio.sleep(0)
                for one, other, _ in streams:
                    with suppress(BlockingIOError):
                        while True:
                            one.peer.send(bytes(LARGE))
                    with suppress(BlockingIOError):
                        other.peer.recv(STREAMS * PIECE)

    tasks = [asyncio.create_task(stream("many", STREAMS)), asyncio.create_task(stream("one", 1))]
    async with asyncio.timeout(60):
        await enough.wait()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert passed["one"] > passed["many"] / 4
