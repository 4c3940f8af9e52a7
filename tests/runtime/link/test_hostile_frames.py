"""Agents that break the protocol: the link ends, and whoever waits is told."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterable

import pytest

from runtime.errors import AgentMisbehaved, SandboxLost
from runtime.link.frames import (
    AMOUNT,
    COUNT,
    CREDIT,
    DATA,
    END,
    HEADER,
    HELLO,
    MAX_PAYLOAD,
    NONCE_SIZE,
    OPEN,
    REPLY,
    RESET,
    WINDOW,
    Frame,
    encode,
    encode_json,
)
from runtime.link.session import MAX_GIVEN_UP, LinkSession
from tests.runtime.link.hostile import HostileStream, once, sandbox_of, silent, whole

FULL = bytes(MAX_PAYLOAD)
TOO_MUCH = WINDOW // MAX_PAYLOAD + 1

BREACHES: dict[str, Callable[[int], list[bytes]]] = {
    "garbage": lambda _: [bytes(range(256)) * 1000],
    "a payload that is too long": lambda n: [HEADER.pack(REPLY, n, MAX_PAYLOAD + 1)],
    "a payload without end": lambda n: [HEADER.pack(DATA, n, 2**32 - 1)],
    "a kind that doesn't exist": lambda n: [encode(8, n)],
    "HELLO again": lambda _: [encode(HELLO, 0, bytes(NONCE_SIZE + 1))],
    "HELLO on a channel": lambda n: [encode(HELLO, n, bytes(NONCE_SIZE + 1))],
    "OPEN": lambda n: [encode_json(OPEN, n, {})],
    "another channel": lambda n: [encode_json(REPLY, n + 1, {})],
    "no channel": lambda _: [encode_json(REPLY, 0, {})],
    "DATA before REPLY": lambda n: [encode(DATA, n, b"x")],
    "empty DATA": lambda n: [encode_json(REPLY, n, {}), encode(DATA, n)],
    "DATA without credit": lambda n: [encode_json(REPLY, n, {}), *[encode(DATA, n, FULL)] * TOO_MUCH],
    "REPLY twice": lambda n: [encode_json(REPLY, n, {}), encode_json(REPLY, n, {})],
    "REPLY that isn't JSON": lambda n: [encode(REPLY, n, b"{]")],
    "REPLY that isn't an object": lambda n: [encode(REPLY, n, b"[]")],
    "REPLY with a deep object": lambda n: [encode(REPLY, n, b'{"a":' * 10_000)],
    "REPLY with a giant number": lambda n: [encode(REPLY, n, b"9" * MAX_PAYLOAD)],
    "RESET that isn't JSON": lambda n: [encode(RESET, n, b"\xff\xfe")],
    "END before REPLY": lambda n: [encode(END, n, COUNT.pack(0))],
    "END with another count": lambda n: [encode_json(REPLY, n, {}), encode(END, n, COUNT.pack(1))],
    "END without a count": lambda n: [encode_json(REPLY, n, {}), encode(END, n)],
    "CREDIT of nothing": lambda n: [encode(CREDIT, n, AMOUNT.pack(0))],
    "CREDIT for what wasn't sent": lambda n: [encode(CREDIT, n, AMOUNT.pack(1))],
    "CREDIT of another length": lambda n: [encode(CREDIT, n, bytes(8))],
}


@pytest.mark.parametrize("breach", BREACHES)
async def test_breach(breach: str) -> None:
    """Whatever the protocol doesn't allow ends the link."""
    stream = HostileStream(once(BREACHES[breach]))
    sandbox = await sandbox_of(stream)
    with pytest.raises(AgentMisbehaved):
        await sandbox.list(10)
    assert sandbox.lost
    assert stream.closed
    with pytest.raises(AgentMisbehaved):
        await sandbox.remove(b"x")


async def test_more_after_the_end() -> None:
    """An answer that is whole is good; what follows it ends the link."""
    stream = HostileStream(once(lambda n: [*whole(n, {}), encode(DATA, n, b"x")]))
    sandbox = await sandbox_of(stream)
    assert await sandbox.list(10) == []
    assert sandbox.lost
    assert stream.closed


@pytest.mark.parametrize("piece", [b"\xff" * 9, FULL[:-9], b"\xff" * MAX_PAYLOAD])
async def test_flood_on_a_channel_that_was_given_up(piece: bytes) -> None:
    """An agent may still send what it had credit for, and no more than that, in however many frames."""

    def answer(frame: Frame) -> Iterable[bytes]:
        return [encode(DATA, frame.channel, piece)] * (8 * WINDOW // len(piece)) if frame.kind == RESET else []

    stream = HostileStream(answer)
    session = await LinkSession.establish(stream, 5)
    session.open({}).close()
    other = session.open({})
    with pytest.raises(AgentMisbehaved):
        await other.header()
    assert stream.closed


async def test_endings_that_are_never_confirmed() -> None:
    """An agent can't make the host remember channels without end."""
    session = await LinkSession.establish(HostileStream(silent), 5)
    for _ in range(MAX_GIVEN_UP):
        session.open({}).close()
    assert not session.lost
    session.open({}).close()
    assert session.lost


async def test_data_byte_by_byte() -> None:
    """What waits to be read takes about as much memory as it has bytes, in however small pieces it came."""
    pieces = 30_000

    def answer(channel: int) -> Iterable[bytes]:
        yield encode_json(REPLY, channel, {})
        for _ in range(pieces):
            yield encode(DATA, channel, b"x")

    session = await LinkSession.establish(HostileStream(once(answer)), 5)
    channel = session.open({})
    tracemalloc.start()
    try:
        await channel.header()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 3 * pieces
    received = b""
    async for piece in channel.body():
        received += piece
        if len(received) == pieces:
            break
    session.close()


@pytest.mark.parametrize("takes_more", [True, False])
async def test_no_answer_to_hello(takes_more: bool) -> None:
    """An agent that doesn't say HELLO, or says something else, is given up in time."""

    class Mute(HostileStream):
        def write(self, data: bytes) -> None:
            """Answers with bytes that mean nothing."""
            if not self.closed:
                self._receive(b"\x01" * 100_000)

    stream = Mute(silent, takes_more=takes_more)
    with pytest.raises(SandboxLost):
        await LinkSession.establish(stream, 0.1)
    assert stream.closed


async def test_an_agent_that_hangs_up_at_once() -> None:
    """A link that ends before HELLO is lost."""

    class Gone(HostileStream):
        def write(self, data: bytes) -> None:
            """Ends."""
            self.close()

    with pytest.raises(SandboxLost):
        await LinkSession.establish(Gone(silent), 5)


async def test_another_version() -> None:
    """An agent of another protocol version is told apart from one that is broken."""

    class Newer(HostileStream):
        def write(self, data: bytes) -> None:
            """Says HELLO in the next version."""
            if not self.closed:
                self._receive(data.lstrip(b"\xff")[:-1] + b"\x02")

    stream = Newer(silent)
    with pytest.raises(AgentMisbehaved, match="version"):
        await LinkSession.establish(stream, 5)
    assert stream.closed


async def test_a_slow_agent_is_not_always_late() -> None:
    """HELLO is repeated ever more patiently, and only the answer to the last one counts."""

    class Slow(HostileStream):
        def __init__(self) -> None:
            super().__init__(silent)
            self.heard: list[bytes] = []

        def write(self, data: bytes) -> None:
            """Answers the first HELLO when the second one comes, and then both."""
            self.heard.append(data.lstrip(b"\xff"))
            if len(self.heard) == 2:
                for hello in (b"old output", self.heard[0], self.heard[1]):
                    self._receive(hello)

    stream = Slow()
    session = await LinkSession.establish(stream, 20)
    assert not session.lost
    session.close()
