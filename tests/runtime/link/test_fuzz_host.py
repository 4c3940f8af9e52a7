"""The host's end against agents that answer at random: it gets an answer or an error of the runtime's, in time."""

from __future__ import annotations

import asyncio
import logging
import random
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial

import pytest

from runtime import answering as answering_module
from runtime.errors import SandlotError
from runtime.link.connection import LinkConnection
from runtime.link.frames import (
    AGENT_CHANNELS,
    AMOUNT,
    COUNT,
    DATA,
    END,
    GREETING,
    KINDS,
    MAX_PAYLOAD,
    OPEN,
    REPLY,
    RESET,
    Frame,
    encode,
)
from runtime.sandbox import Sandbox
from runtime.way_out import onto
from tests.runtime.link.box import finished, pieces_of
from tests.runtime.link.hostile import HostileStream, sandbox_of

pytestmark = pytest.mark.fuzz

STUCK_SECONDS = 30.0
MEMORY = 64 * 1024**2  # far above what one link holds, far below what a leak would come to

WORDS = [
    b'{"size":3}',
    b'{"path":"a","size":3}',
    b'{"path":"../a","size":-1}',
    b'{"created_at":1,"commands":1,"timeout_ms":null,"max_output_length":99}\n"a"\n',
    b'["out",0,"stdout","x"]\n',
    b'["exit",0,{"type":"exit","exit_code":1}]\n',
    b'["done","completed"]\n',
    b'["state","completed",[{"type":"exit","exit_code":1}]]\n',
    b'["text",0,"stdout","x"]\n',
    b'["end"]\n',
    b'["a",1,1]\n',
    b'{"code":"not_found"}',
    b"[" * 5000,
    b'"' + b"\xff" * 100,
    b"\n\n",
    b"xyz",
    b"",
]


OPENINGS = [
    b'{"op":"connect","host":"a.test","port":443}',
    b'{"op":"connect","host":{},"port":1e999}',
    b'{"op":"lookup","host":"a.test"}',
    b'{"op":"lookups_left_out","number":1e999}',
    b'{"op":[]}',
    b"{}",
]


class RandomAgent:
    """Answers each frame with some that are likely to make sense, and with some bytes changed now and then."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - to be repeated by its seed
        self._flaws = self._random.choice([0.0, 0.02, 0.3])
        self._sent: dict[int, int] = {}
        self._opened = AGENT_CHANNELS

    def answer(self, frame: Frame) -> Iterable[bytes]:
        """See hostile.Answer."""
        choose = self._random
        for _ in range(choose.choice([0, 1, 1, 2, 5, 200])):
            data = self._outward(frame.channel) if choose.random() < 0.3 else self._frame(frame.channel)
            if choose.random() < self._flaws:
                data = self._changed(data)
            yield data

    def _frame(self, channel: int) -> bytes:
        choose = self._random
        if choose.random() < self._flaws:
            channel += choose.choice([-1, 1, 2**31])
        kind = choose.choice([REPLY, DATA, DATA, DATA, END, *KINDS])
        payload = choose.choice(WORDS)
        if kind == DATA and choose.random() < 0.1:
            payload = choose.randbytes(choose.choice([1, 9, MAX_PAYLOAD]))
        elif kind == END:
            payload = COUNT.pack(self._sent.get(channel, 0))
        elif choose.random() < 0.1:
            payload = choose.choice([AMOUNT.pack(choose.choice([0, 1, 2**20])), bytes(GREETING.size)])
        if kind == DATA:
            self._sent[channel] = self._sent.get(channel, 0) + len(payload)
        return encode(kind, channel % 2**32, payload)

    def _outward(self, channel: int) -> bytes:
        """A new channel of the agent's, or a frame on one that it has opened."""
        choose = self._random
        if choose.random() < 0.3:
            self._opened += choose.choice([1, 1, 1, 1000])
            return encode(OPEN, self._opened, choose.choice(OPENINGS))
        kind = choose.choice([DATA, DATA, END, RESET])
        latest = channel if channel >= AGENT_CHANNELS else self._opened
        if kind == RESET:
            return encode(RESET, latest, b"{}")
        payload = COUNT.pack(self._sent.get(latest, 0)) if kind == END else choose.choice(WORDS)
        if kind == DATA:
            self._sent[latest] = self._sent.get(latest, 0) + len(payload)
        return encode(kind, latest, payload)

    def _changed(self, data: bytes) -> bytes:
        place = self._random.randrange(len(data))
        return data[:place] + self._random.randbytes(self._random.choice([0, 1, 4])) + data[place + 1 :]


class Outside:
    """Uses each connection in some way, for a while, as whoever is at its other end might."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(self, _host: object, port: object, connection: LinkConnection) -> None:
        """See WayOut."""
        task = asyncio.create_task(self._use(connection, str(port)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        connection.on_lost(partial(_cancel, task))

    def looked_up(self, host: object) -> None:
        """See WayOut."""

    def lookups_left_out(self, number: object) -> None:
        """See WayOut."""

    async def over(self) -> None:
        """Let everything end that was begun."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _use(self, connection: LinkConnection, port: str) -> None:
        with suppress(SandlotError):
            await connection.send(b"x" * 10)
            if port == "443":
                connection.end()
            while await connection.receive():
                await connection.send(b"\xff")
        connection.close()


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()


async def _read(sandbox: Sandbox) -> None:
    reading = await sandbox.read(b"a")
    assert sum([len(piece) async for piece in reading.pieces()]) == reading.size


async def _write(sandbox: Sandbox) -> None:
    await (await sandbox.write("a", pieces_of(bytes(100), bytes(3 * 2**20)))).finish()


async def _follow(sandbox: Sandbox) -> None:
    followed = await sandbox.run({"stdin": "x"})
    async with asyncio.timeout(0.2):  # as whoever waits for a call's end does
        await finished(followed)


async def _call(sandbox: Sandbox) -> None:
    answer = await sandbox.call({"stdin": "x"})
    async with asyncio.timeout(0.2):
        await finished(answer)


ASKS: list[Callable[[Sandbox], Awaitable[object]]] = [
    lambda sandbox: sandbox.list(100),
    lambda sandbox: sandbox.remove(b"a"),
    _read,
    _write,
    _follow,
    _call,
]


async def test_random_agents(
    fuzz_seconds: float, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No agent makes the host fail in another way than by its own errors, wait for ever, or fill its memory."""
    caplog.set_level(logging.ERROR, "runtime.link.session")  # thousands of breaches, kept in memory otherwise
    monkeypatch.setattr(answering_module, "ANSWER_SECONDS", 0.02)
    end = time.monotonic() + fuzz_seconds
    seed = random.randrange(2**32)  # noqa: S311 - where to begin
    tracemalloc.start()
    try:
        while time.monotonic() < end:
            seed += 1
            stream = HostileStream(RandomAgent(seed).answer)
            outside = Outside()
            try:
                async with asyncio.timeout(STUCK_SECONDS):
                    sandbox = await sandbox_of(stream, onto(outside))
                    for ask in random.Random(seed).choices(ASKS, k=10):  # noqa: S311 - to be repeated
                        with suppress(SandlotError, TimeoutError):
                            await ask(sandbox)
                        assert sandbox.lost == stream.closed
            except BaseException as error:
                error.add_note(f"the agent's seed is {seed}")
                raise
            finally:
                stream.close()
                await outside.over()
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()
