"""A real agent that reads random frames: it never ends, and understands the next HELLO."""

from __future__ import annotations

import json
import os
import random
import select
import time
from collections.abc import Iterator
from itertools import count

import pytest

from runtime.link.frames import (
    AMOUNT,
    COUNT,
    CREDIT,
    DATA,
    END,
    GREETING,
    HEADER,
    HELLO,
    KINDS,
    MAX_PAYLOAD,
    NONCE_SIZE,
    OPEN,
    PREAMBLE,
    RESET,
    VERSION,
    encode,
)
from tests.runtime.link.agents import ProcessAgent, process_agent

pytestmark = pytest.mark.fuzz

ANSWER_SECONDS = 30.0
MEMORY = 300 * 1024**2  # the agent's; a body of many commands is what the host bounds, not the agent

VALUES: list[object] = [
    None,
    True,
    -1,
    0,
    1,
    5,
    10**30,
    1.5,
    "",
    "a",
    "a/b",
    "..",
    "\0",
    "\ud800",
    "x" * 300,
    [],
    ["a"],
    {},
    "c1",
]
OPERATIONS: list[object] = [
    "run",
    "call",
    "follow",
    "snapshot",
    "cancel",
    "write",
    "read",
    "list",
    "remove",
    "used",
    "nothing",
    None,
    1,
    [],
]
KEYS = ["id", "after", "name", "path", "limit"]
SPEC = {
    "id": "c1",
    "created_at": 1,
    "commands": ["echo a", "cat"],
    "timeout_ms": 50,
    "max_output_length": 100,
    "working_directory": "/",
    "env": {},
    "stdin": "x",
}


class RandomHost:
    """Makes frames that are likely to mean something to an agent, and bytes that mean nothing."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - to be repeated by its seed
        self._sent: dict[int, int] = {}

    def stream(self) -> bytes:
        """Some frames, perhaps with flaws."""
        choose = self._random
        data = b"".join(self._some() for _ in range(choose.randrange(1, 60)))
        for _ in range(choose.choice([0, 0, 0, 1, 5])):
            place = choose.randrange(len(data) + 1)
            data = data[:place] + choose.randbytes(choose.choice([0, 1, 9])) + data[place + choose.choice([0, 1, 9]) :]
        return data[: choose.randrange(len(data) + 1)] if choose.random() < 0.3 else data

    def _some(self) -> bytes:
        """A request, or frames on one that may be open."""
        choose = self._random
        channel = choose.choice([1, 2, 3, choose.randrange(2**32)])
        kind = choose.choice([OPEN, OPEN, DATA, END, CREDIT, RESET, *KINDS])
        if kind == OPEN:
            self._sent[channel] = 0
            return encode(OPEN, channel, self._header()) + self._body(channel)
        if kind == END:
            return encode(END, channel, COUNT.pack(self._sent.get(channel, 0)))
        payload = choose.choice([b"", b"{}", AMOUNT.pack(1), AMOUNT.pack(2**32 - 1), choose.randbytes(30), b"[" * 5000])
        if kind == DATA:
            self._sent[channel] = self._sent.get(channel, 0) + len(payload)
        return encode(kind, channel, payload)

    def _header(self) -> bytes:
        choose = self._random
        fields = {"op": choose.choice(OPERATIONS)} | {key: choose.choice(VALUES) for key in KEYS}
        for key in choose.sample(KEYS, choose.choice([0, 0, 1, 3])):
            del fields[key]
        return choose.choice([json.dumps(fields).encode(), b"", b"[]", b"{", json.dumps(fields).encode()])

    def _body(self, channel: int) -> bytes:
        """A call's spec, or the bytes of a file."""
        choose = self._random
        spec: dict[str, object] = dict(SPEC)
        for key in choose.sample(sorted(SPEC), choose.choice([0, 0, 1, 3])):
            spec[key] = choose.choice([*VALUES, ["\0"], ["\ud800"], {"\0": "a"}, {"a": 1}])
        body = choose.choice([json.dumps(spec).encode(), json.dumps(spec).encode(), b"", choose.randbytes(MAX_PAYLOAD)])
        self._sent[channel] += len(body)
        end = encode(END, channel, COUNT.pack(len(body)))
        return encode(DATA, channel, body) + choose.choice([end, end, b""])


async def test_random_frames(fuzz_seconds: float) -> None:
    """Requests of any kind, with fields of any kind, whole or broken, one after the other or mixed."""
    end = time.monotonic() + fuzz_seconds
    seeds = count(random.randrange(2**32))  # noqa: S311 - where to begin
    async with process_agent() as agent:
        seed = next(seeds)
        while time.monotonic() < end:
            seed = next(seeds)
            _write(agent, RandomHost(seed).stream())
            if seed % 10 == 0:
                assert _says_hello(agent), f"the agent doesn't answer after seed {seed}"
        assert _says_hello(agent), f"the agent doesn't answer after seed {seed}"
        assert agent.process.poll() is None
        assert _memory(agent) < MEMORY


@pytest.mark.parametrize(
    "stream",
    [
        random.Random(1).randbytes(100_000),  # noqa: S311 - the same each time, as a test is named after it
        b"\xff" * 1_000_000,
        bytes(1_000_000),
        HEADER.pack(DATA, 1, 2**32 - 1) + bytes(200_000),
        encode(HELLO, 0, b"short"),
        encode(OPEN, 1, b"") + encode(OPEN, 1, b"{}") * 100,
        encode(OPEN, 1, b'{"op":"run"}')
        + encode(DATA, 1, b"[" * MAX_PAYLOAD)
        + encode(END, 1, COUNT.pack(MAX_PAYLOAD)),
        encode(OPEN, 1, b'{"op":"run"}') + encode(END, 1, COUNT.pack(0)) * 2,
        encode(OPEN, 1, b'{"op":"write","name":"a"}') + (encode(END, 1, COUNT.pack(0)) + encode(DATA, 1, b"x")) * 2,
        encode(OPEN, 1, b'{"op":"list","limit":-1}') + encode(OPEN, 2, b'{"op":"list","limit":1e999}'),
    ],
    ids=lambda stream: repr(stream[:24]),
)
async def test_broken_streams(stream: bytes) -> None:
    """Streams that are no good in some particular way."""
    async with process_agent() as agent:
        _write(agent, stream)
        assert _says_hello(agent)


async def test_hello_many_times() -> None:
    """A host that says HELLO again and again gets an answer each time."""
    async with process_agent() as agent:
        for _ in range(200):
            assert _says_hello(agent)


async def test_the_end_of_its_input() -> None:
    """When nobody can ever ask anything again, the agent ends."""
    async with process_agent() as agent:
        assert _says_hello(agent)
        assert agent.process.stdin is not None
        agent.process.stdin.close()
        assert agent.process.wait(ANSWER_SECONDS) == 0


def _says_hello(agent: ProcessAgent) -> bool:
    """Whether the agent answers HELLO, whatever else it has to say first."""
    nonce = os.urandom(NONCE_SIZE)
    answer = encode(HELLO, 0, GREETING.pack(nonce, VERSION))
    received = b""
    for piece in _write(agent, PREAMBLE + answer):
        received = received[-len(answer) :] + piece
    for piece in _read(agent):
        received = received[-len(answer) :] + piece
        if answer in received:
            return True
    return False


def _write(agent: ProcessAgent, data: bytes) -> list[bytes]:
    """Send to an agent, taking what it writes meanwhile, or neither could go on."""
    assert agent.process.stdin is not None
    assert agent.process.stdout is not None
    sink, source = agent.process.stdin.fileno(), agent.process.stdout.fileno()
    os.set_blocking(sink, False)
    received = []
    rest = memoryview(data)
    while rest:
        readable, writable, _ = select.select([source], [sink], [], ANSWER_SECONDS)
        assert readable or writable, "the agent neither reads nor writes"
        if readable:
            received.append(os.read(source, 2**20))
        if writable:
            rest = rest[os.write(sink, rest) :]
    return received


def _read(agent: ProcessAgent) -> Iterator[bytes]:
    """What the agent writes, until it is silent for long, or has ended."""
    assert agent.process.stdout is not None
    source = agent.process.stdout.fileno()
    while select.select([source], [], [], ANSWER_SECONDS)[0]:
        piece = os.read(source, 2**20)
        if not piece:
            return
        yield piece


def _memory(agent: ProcessAgent) -> int:
    """The most memory the agent has had, in bytes."""
    with open(f"/proc/{agent.process.pid}/status", encoding="ascii") as status:
        return int(status.read().partition("VmHWM:")[2].split()[0]) * 1024
