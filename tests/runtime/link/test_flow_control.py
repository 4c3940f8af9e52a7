"""Many channels on one link: none waits for another, and what waits is bounded."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

from runtime.link.connection import LinkConnection
from runtime.link.frames import AGENT_CHANNELS, CONNECTION_WINDOW, HEADER, MAX_PAYLOAD, OPEN, WINDOW, encode_json
from runtime.link.session import LinkSession
from tests.runtime.link.box import Box, agent_memory, finished
from tests.runtime.link.hostile import Answer, HostileStream, once

MIB = 1024**2


async def test_a_hundred_at_once(box: Box) -> None:
    """Reading, writing, running and listing at the same time, each gets what is its own."""

    async def one(number: int) -> None:
        data = os.urandom(1000) * (number * 7 % 300)
        name = await box.put(f"{number}", data)
        assert await box.run(f"wc -c < {number}") == f"{len(data)}\n"
        assert len(await box.sandbox.list(1000)) > 0
        assert await box.get(name) == data

    async with asyncio.TaskGroup() as tasks:
        for number in range(100):
            tasks.create_task(one(number))


async def test_readers_that_do_not_read(box: Box) -> None:
    """Answers that nobody reads hold nobody up, and neither end keeps more of them than a window each."""
    await box.run(f"head -c {48 * MIB} /dev/zero > big")
    agent_before, host_before = await agent_memory(box), host_memory()
    lazy = [await box.sandbox.read(b"big") for _ in range(8)]
    spec = box.spec("yes | head -c 32M", limit=10 * MIB)
    unread = await box.sandbox.run(spec)
    for number in range(20):
        assert await box.run(f"echo {number}") == f"{number}\n"
        await box.put(f"{number}", bytes(MIB))
    assert host_memory() - host_before < 9 * WINDOW + 24 * MIB
    assert await agent_memory(box) - agent_before < 48 * MIB
    for reading in lazy[1:]:
        reading.close()
    assert sum([len(piece) async for piece in lazy[0].pieces()]) == 48 * MIB
    assert len((await finished(unread)).output[0].stdout) > 10 * MIB


async def test_writers_that_do_not_write(box: Box) -> None:
    """Requests that nobody finishes hold nobody up."""
    waiting = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield bytes(2 * MIB)
        await waiting.wait()
        yield b"end"

    lazy = [asyncio.create_task(box.sandbox.write(f"lazy{number}", body())) for number in range(20)]
    for number in range(20):
        assert await box.run(f"echo {number}") == f"{number}\n"
    waiting.set()
    for task in lazy:
        assert (await (await task).finish())[1] == 2 * MIB + 3


class NarrowStream(HostileStream):
    """Has room for one frame, and then none until what is `queued` is taken."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.queued = 0
        self._room = asyncio.Event()

    def write(self, data: bytes) -> None:
        """See ByteStream."""
        super().write(data)
        self.queued += len(data)
        self._room.clear()

    async def drain(self) -> None:
        """See ByteStream."""
        await self._room.wait()

    def take(self) -> None:
        """Take what is queued."""
        self.queued = 0
        self._room.set()


async def test_who_waits_for_room_goes_on_in_turn() -> None:
    """However many connections have much to send, whenever there is room one of them queues a frame, each in turn."""
    opened: asyncio.Queue[LinkConnection] = asyncio.Queue()
    openings = [encode_json(OPEN, AGENT_CHANNELS + number, {}) for number in range(50)]
    stream = NarrowStream(once(lambda _: openings))
    session = await LinkSession.establish(stream, 5, lambda _, connection: opened.put_nowait(connection))
    session.open({})
    connections = [await opened.get() for _ in openings]
    stream.take()
    sending = [asyncio.create_task(each.send(bytes(CONNECTION_WINDOW))) for each in connections]
    while not all(task.done() for task in sending):
        for _ in range(10):
            await asyncio.sleep(0)
        assert stream.queued <= HEADER.size + MAX_PAYLOAD
        sent = [connection._outgoing.sent for connection in connections]
        assert max(sent) - min(sent) <= 2 * MAX_PAYLOAD  # the first was alone at first
        stream.take()


async def test_given_up_in_the_middle(box: Box) -> None:
    """Whatever is dropped half-way, in either direction, leaves the link as good as before."""
    data = os.urandom(3 * MIB)
    await box.put("data", data)
    spec = box.spec("sleep 1000", timeout_ms=None)
    for _ in range(30):
        reading = await box.sandbox.read(b"data")
        async for _piece in reading.pieces():
            break
        reading.close()
        (await box.sandbox.write("half", _pieces(data))).close()
        (await box.sandbox.run(box.spec("yes", timeout_ms=100, limit=MIB))).close()
        listing = asyncio.create_task(box.sandbox.list(1000))
        await asyncio.sleep(0)
        listing.cancel()
    (await box.sandbox.run(spec)).close()
    assert await box.get(b"data") == data
    assert [file.path for file in await box.sandbox.list(10)] == [b"data"]
    (await box.sandbox.cancel(spec["id"])).close()
    assert not box.sandbox.lost


async def test_requests_that_are_cancelled(box: Box) -> None:
    """Whoever stops waiting at any moment leaves nothing open on the link."""
    await box.put("data", bytes(3 * MIB))
    for delay in range(60):
        task = asyncio.create_task(box.get(b"data"))
        await asyncio.sleep(delay / 10_000)
        task.cancel()
        await asyncio.wait([task])
    assert await box.run("echo alive") == "alive\n"
    assert not box.session._channels


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    yield data


def host_memory() -> int:
    """What this process has now, in bytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024
