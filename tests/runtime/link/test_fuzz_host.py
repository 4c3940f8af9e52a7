"""The host's end against agents that answer at random: it gets an answer or an error of the runtime's, in time."""

from __future__ import annotations

import asyncio
import logging
import random
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

import pytest

from runtime import sandbox as sandbox_module
from runtime.errors import SandlotError
from runtime.link.frames import AMOUNT, COUNT, DATA, END, GREETING, KINDS, MAX_PAYLOAD, REPLY, Frame, encode
from runtime.sandbox import Sandbox
from tests.runtime.link.box import finished, pieces_of
from tests.runtime.link.hostile import HostileStream, sandbox_of

STUCK_SECONDS = 30.0
MEMORY = 64 * 1024**2  # far above what one link holds, far below what a leak would come to

WORDS = [
    b'{"size":3}',
    b'{"path":"a","size":3}',
    b'{"path":"../a","size":-1}',
    b'{"created_at":1,"commands":["a"],"timeout_ms":null,"max_output_length":99}\n',
    b'["out",0,"stdout","x"]\n',
    b'["exit",0,{"type":"exit","exit_code":1}]\n',
    b'["done","completed"]\n',
    b'["a",1,1]\n',
    b'{"code":"not_found"}',
    b"[" * 5000,
    b'"' + b"\xff" * 100,
    b"\n\n",
    b"xyz",
    b"",
]


class RandomAgent:
    """Answers each frame with some that are likely to make sense, and with some bytes changed now and then."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - to be repeated by its seed
        self._flaws = self._random.choice([0.0, 0.02, 0.3])
        self._sent: dict[int, int] = {}

    def answer(self, frame: Frame) -> Iterable[bytes]:
        """See hostile.Answer."""
        choose = self._random
        for _ in range(choose.choice([0, 1, 1, 2, 5, 200])):
            data = self._frame(frame.channel)
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

    def _changed(self, data: bytes) -> bytes:
        place = self._random.randrange(len(data))
        return data[:place] + self._random.randbytes(self._random.choice([0, 1, 4])) + data[place + 1 :]


async def _read(sandbox: Sandbox) -> None:
    reading = await sandbox.read(b"a")
    assert sum([len(piece) async for piece in reading.pieces()]) == reading.size


async def _write(sandbox: Sandbox) -> None:
    await (await sandbox.write("a", pieces_of(bytes(100), bytes(3 * 2**20)))).finish()


async def _follow(sandbox: Sandbox) -> None:
    followed = await sandbox.run({"stdin": "x"})
    async with asyncio.timeout(0.2):  # as whoever waits for a call's end does
        await finished(followed)


ASKS: list[Callable[[Sandbox], Awaitable[object]]] = [
    lambda sandbox: sandbox.list(100),
    lambda sandbox: sandbox.remove(b"a"),
    _read,
    _write,
    _follow,
]


async def test_random_agents(
    fuzz_seconds: float, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No agent makes the host fail in another way than by its own errors, wait for ever, or fill its memory."""
    caplog.set_level(logging.ERROR, "runtime.link.session")  # thousands of breaches, kept in memory otherwise
    monkeypatch.setattr(sandbox_module, "ANSWER_SECONDS", 0.02)
    end = time.monotonic() + fuzz_seconds
    seed = random.randrange(2**32)  # noqa: S311 - where to begin
    tracemalloc.start()
    try:
        while time.monotonic() < end:
            seed += 1
            stream = HostileStream(RandomAgent(seed).answer)
            try:
                async with asyncio.timeout(STUCK_SECONDS):
                    sandbox = await sandbox_of(stream)
                    for ask in random.Random(seed).choices(ASKS, k=10):  # noqa: S311 - to be repeated
                        with suppress(SandlotError, TimeoutError):
                            await ask(sandbox)
                        assert sandbox.lost == stream.closed
            except BaseException as error:
                error.add_note(f"the agent's seed is {seed}")
                raise
            finally:
                stream.close()
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()
