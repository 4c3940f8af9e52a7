from __future__ import annotations

import asyncio

import pytest

from runtime.errors import EngineUnavailable
from runtime.removals import AT_ONCE, Removals

PATIENCE = 30.0


class Engine:
    """Removes when it is told to, and knows what was asked of it."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.begun: list[str] = []
        self.removed: list[str] = []
        self.may = asyncio.Event()
        self.fails = fails

    async def remove(self, name: str) -> None:
        """Take until it may."""
        self.begun.append(name)
        await self.may.wait()
        if self.fails is not None:
            raise self.fails
        self.removed.append(name)

    async def until(self, removed: int) -> None:
        """Wait until it has removed so many."""
        async with asyncio.timeout(PATIENCE):
            while len(self.removed) < removed:  # noqa: ASYNC110 - what is waited for tells nobody
                await asyncio.sleep(0.01)


def begin(removals: Removals, engine: Engine, name: str) -> None:
    """Begin to remove something."""
    removals.begin(name, lambda: engine.remove(name))


async def test_in_the_background() -> None:
    """Whoever begins it doesn't wait; a few are under way at a time, and all are done in the end."""
    engine = Engine()
    async with Removals.open() as removals:
        names = [f"{number}" for number in range(3 * AT_ONCE)]
        for name in names:
            begin(removals, engine, name)
        assert engine.begun == []
        await asyncio.sleep(0.05)
        assert engine.begun == names[:AT_ONCE]
        engine.may.set()
        await engine.until(len(names))
        assert sorted(engine.removed) == sorted(names)


async def test_once_at_a_time() -> None:
    """What is being removed isn't begun again; afterwards it is, if somebody wants it."""
    engine = Engine()
    async with Removals.open() as removals:
        for _ in range(3):
            begin(removals, engine, "a")
            await asyncio.sleep(0)
        engine.may.set()
        await engine.until(1)
        assert engine.begun == ["a"]
        await asyncio.sleep(0.01)
        begin(removals, engine, "a")
        await engine.until(2)


@pytest.mark.parametrize("fails", [EngineUnavailable("It doesn't answer."), RuntimeError("A fault.")])
async def test_one_that_fails(fails: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and those after it are carried out all the same."""
    broken, sound = Engine(fails), Engine()
    for engine in (broken, sound):
        engine.may.set()
    async with Removals.open() as removals:
        for number in range(2 * AT_ONCE):
            begin(removals, broken, f"broken-{number}")
        begin(removals, sound, "sound")
        await sound.until(1)
    assert caplog.text.count("is left to the reconciler") == 2 * AT_ONCE


async def test_the_end() -> None:
    """At the end nobody waits for what isn't through, and nothing goes on."""
    engine = Engine()
    async with Removals.open() as removals:
        for number in range(2 * AT_ONCE):
            begin(removals, engine, f"{number}")
        await asyncio.sleep(0)
        begin(removals, engine, "begun at the last moment")
    engine.may.set()
    await asyncio.sleep(0.01)
    assert engine.removed == []
