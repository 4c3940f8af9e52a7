"""Nothing is left open in an agent, however requests end: here it has descriptors for a few at a time only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from runtime.errors import NotFound, SandlotError
from runtime.sandbox_files import ReadingFile
from tests.runtime.link.agents import process_agent
from tests.runtime.link.box import Box, linked, pieces_of

FEW = 24


@pytest.fixture
async def poor_box() -> AsyncIterator[Box]:
    """A box whose agent may open few descriptors."""
    async with process_agent(FEW) as agent, linked(agent) as box:
        yield box


async def test_commands(poor_box: Box) -> None:
    """Commands that exit, time out, can't start, or leave something behind."""
    for _ in range(FEW):
        await poor_box.one("sleep 0 & exit 1", stdin="x")
        await poor_box.one("sleep 9", timeout_ms=1)
        await poor_box.one("true" + "x" * 200_000, stdin="x")
    assert await poor_box.run("echo alive") == "alive\n"


async def test_files(poor_box: Box) -> None:
    """Files that are written, dropped, read, given up, listed, or not there."""
    await poor_box.run("mkdir folder; mkfifo pipe; ln -s /etc/passwd link")
    for number in range(FEW):
        name = await poor_box.put(f"{number}", b"x" * 100_000)
        (await poor_box.sandbox.write("dropped", pieces_of(b"x"))).close()
        (await poor_box.sandbox.read(name)).close()
        await poor_box.get(name)
        await poor_box.sandbox.list(1)
        for path in (b"missing", b"folder", b"pipe", b"link", b"folder/../0", b"0/0"):
            with pytest.raises(NotFound):
                await poor_box.sandbox.read(path)
    assert await poor_box.get(b"0") == b"x" * 100_000


async def test_links_that_are_dropped(poor_box: Box) -> None:
    """What was under way on a link ends with it."""
    await poor_box.put("a", bytes(10_000_000))
    for _ in range(FEW):
        await poor_box.sandbox.write("half", pieces_of(b"x"))
        await poor_box.sandbox.read(b"a")
        poor_box.sandbox.close()
        await poor_box.connect()
    assert len(await poor_box.get(b"a")) == 10_000_000
    assert [file.path for file in await poor_box.sandbox.list(10)] == [b"a"]


async def test_too_many_at_once(poor_box: Box) -> None:
    """When there are no more descriptors requests fail, and work again when there are."""
    await poor_box.put("a", bytes(10_000_000))
    tried = await asyncio.gather(*(poor_box.sandbox.read(b"a") for _ in range(FEW)), return_exceptions=True)
    readings = [result for result in tried if isinstance(result, ReadingFile)]
    assert 0 < len(readings) < FEW
    assert all(isinstance(result, ReadingFile | SandlotError) for result in tried)
    assert (await poor_box.one("true")).outcome is not None
    for reading in readings:
        reading.close()
    assert await poor_box.run("echo alive") == "alive\n"
