"""Agents that break the protocol: the link ends, and whoever waits is told."""

from __future__ import annotations

import asyncio
import itertools
import tracemalloc
from collections.abc import Callable, Iterable

import pytest

from runtime.errors import AgentMisbehaved, NotFound, SandboxLost
from runtime.link import session as session_module
from runtime.link.connection import LinkConnection
from runtime.link.frames import (
    AGENT_CHANNELS,
    AMOUNT,
    CONNECTION_WINDOW,
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
    VERSION,
    WINDOW,
    Frame,
    Json,
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


N = AGENT_CHANNELS + 5
OPENED = encode_json(OPEN, N, {"op": "connect"})
BREACHES_ON_CONNECTIONS: dict[str, list[bytes]] = {
    "OPEN twice": [OPENED, OPENED],
    "OPEN of a lower number": [OPENED, encode_json(OPEN, N - 1, {})],
    "OPEN of a number of the host's": [encode_json(OPEN, AGENT_CHANNELS - 1, {})],
    "OPEN that isn't JSON": [encode(OPEN, N, b"{]")],
    "OPEN that isn't an object": [encode(OPEN, N, b"[]")],
    "OPEN with a deep object": [encode(OPEN, N, b'{"a":' * 10_000)],
    "a channel that isn't open": [encode(DATA, N, b"x")],
    "REPLY": [OPENED, encode_json(REPLY, N, {})],
    "HELLO": [OPENED, encode(HELLO, N, bytes(NONCE_SIZE + 1))],
    "empty DATA": [OPENED, encode(DATA, N)],
    "DATA without credit": [OPENED, *[encode(DATA, N, FULL)] * (CONNECTION_WINDOW // MAX_PAYLOAD + 1)],
    "DATA after END": [OPENED, encode(END, N, COUNT.pack(0)), encode(DATA, N, b"x")],
    "END with another count": [OPENED, encode(END, N, COUNT.pack(1))],
    "END without a count": [OPENED, encode(END, N)],
    "END twice": [OPENED, encode(END, N, COUNT.pack(0)), encode(END, N, COUNT.pack(0))],
    "CREDIT of nothing": [OPENED, encode(CREDIT, N, AMOUNT.pack(0))],
    "CREDIT for what wasn't sent": [OPENED, encode(CREDIT, N, AMOUNT.pack(1))],
    "RESET that isn't JSON": [OPENED, encode(RESET, N, b"\xff")],
    "anything after RESET": [OPENED, encode_json(RESET, N, {}), encode(DATA, N, b"x")],
    "RESET twice": [OPENED, encode_json(RESET, N, {}), encode_json(RESET, N, {})],
    "OPEN after RESET": [OPENED, encode_json(RESET, N, {}), OPENED],
}


@pytest.mark.parametrize("breach", BREACHES_ON_CONNECTIONS)
async def test_breach_on_a_connection(breach: str) -> None:
    """The same for channels that the agent opens; whoever uses one is told."""
    opened: list[LinkConnection] = []
    lost = asyncio.Event()

    def on_open(_: Json, connection: LinkConnection) -> None:
        opened.append(connection)
        connection.on_lost(lost.set)

    stream = HostileStream(once(lambda _: BREACHES_ON_CONNECTIONS[breach]))
    sandbox = await sandbox_of(stream, on_open)
    with pytest.raises(AgentMisbehaved):
        await sandbox.list(10)
    assert stream.closed
    for connection in opened:
        with pytest.raises(SandboxLost if "RESET" in breach and "JSON" not in breach else AgentMisbehaved):
            await connection.receive()
        await lost.wait()


async def test_late_frames_of_connections() -> None:
    """What an agent sent before it knew that a connection was closed is passed over; its one RESET ends it."""
    late = [encode(DATA, N, FULL), encode(CREDIT, N, AMOUNT.pack(9)), encode(END, N, COUNT.pack(7))]
    stream = HostileStream(once(lambda n: [OPENED, *late, *late, encode_json(RESET, N, {}), *whole(n, {})]))
    session = await LinkSession.establish(stream, 5)
    with session.open({}) as channel:
        assert await channel.header() == {}
    assert not session.lost
    assert not session._given_up


async def test_connections_that_are_never_confirmed() -> None:
    """An agent can't make the host remember its channels without end, nor what was sent on them."""
    openings = [encode_json(OPEN, AGENT_CHANNELS + number, {}) for number in range(MAX_GIVEN_UP + 1)]
    flood = [OPENED, *[encode(DATA, N, FULL)] * (8 * WINDOW // MAX_PAYLOAD)]
    for frames in (openings, flood):
        stream = HostileStream(once(lambda _, frames=frames: frames))  # type: ignore[misc]
        session = await LinkSession.establish(stream, 5)
        with pytest.raises(AgentMisbehaved):
            await session.open({}).header()
        assert stream.closed


async def test_bytes_of_a_connection_one_by_one() -> None:
    """What waits to be read on a connection takes about as much memory as it has bytes."""
    opened: list[LinkConnection] = []
    pieces = [encode(DATA, N, b"x")] * 30_000
    stream = HostileStream(once(lambda n: [OPENED, *pieces, *whole(n, {})]))
    session = await LinkSession.establish(stream, 5, lambda _, connection: opened.append(connection))
    channel = session.open({})
    tracemalloc.start()
    try:
        await channel.header()
        assert [piece async for piece in channel.body()] == []  # so all of it has been handled
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 3 * len(pieces)
    assert await opened[0].receive() == b"x" * len(pieces)
    session.close()


@pytest.mark.parametrize("breach", BREACHES)
async def test_breach(monkeypatch: pytest.MonkeyPatch, breach: str) -> None:
    """Whatever the protocol doesn't allow ends the link."""
    # In one turn, however busy the machine is: once some of it has been read, more may be sent.
    monkeypatch.setattr(session_module, "TURN_SECONDS", 3600)
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


@pytest.mark.parametrize("piece", [b"", b"\xff" * 9, FULL[:-9], b"\xff" * MAX_PAYLOAD])
async def test_flood_on_a_channel_that_was_given_up(piece: bytes) -> None:
    """An agent may still send what it had credit for, and no more than that, in however many frames."""

    def answer(frame: Frame) -> Iterable[bytes]:
        data = encode(DATA, frame.channel, piece)
        return [data] * (8 * WINDOW // len(data)) if frame.kind == RESET else []

    stream = HostileStream(answer)
    session = await LinkSession.establish(stream, 5)
    session.open({}).close()
    other = session.open({})
    with pytest.raises(AgentMisbehaved):
        await asyncio.wait_for(other.header(), 60)
    assert stream.closed


async def test_a_connection_that_was_closed_and_one_that_was_lost() -> None:
    """Only who hasn't closed it is told of a loss, and may end it all the same."""
    connections: list[LinkConnection] = []
    lost: list[int] = []

    def accept(_: Json, connection: LinkConnection) -> None:
        connections.append(connection)
        connection.on_lost(lambda: lost.append(connection.number))

    def answer(_: int) -> Iterable[bytes]:
        yield OPENED
        yield encode_json(OPEN, N + 1, {})
        yield encode(END, N + 1, COUNT.pack(0))

    session = await LinkSession.establish(HostileStream(once(answer)), 5, accept)
    session.open({})
    for _ in range(100):
        await asyncio.sleep(0)
    connections[0].close()
    session.close()
    connections[1].end()
    for _ in range(100):
        await asyncio.sleep(0)
    assert lost == [N + 1]


async def test_all_that_was_on_its_way_on_a_channel_that_was_given_up() -> None:
    """An agent that had sent its whole answer, of as much as it had credit for, has done nothing wrong."""
    session = await LinkSession.establish(HostileStream(once(lambda n: whole(n, {}, bytes(WINDOW)))), 5)
    session.open({}).close()
    other = session.open({})
    for _ in range(100):
        await asyncio.sleep(0)
    assert not session.lost
    other.close()


async def test_nothing_is_opened_after_the_end() -> None:
    """What has come along with frames by which the link has ended is passed over."""
    opened = []

    def close(header: Json, _: LinkConnection) -> None:
        opened.append(header["number"])
        session.close()

    def answer(_: int) -> Iterable[bytes]:
        yield b"".join(encode_json(OPEN, AGENT_CHANNELS + number, {"number": number}) for number in range(3))

    session = await LinkSession.establish(HostileStream(once(answer)), 5, close)
    with pytest.raises(SandboxLost):
        await session.open({}).header()
    assert opened == [0]


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


async def test_much_in_front_of_hello() -> None:
    """What an agent still says of an earlier time is passed over, and takes no memory."""

    class Talkative(HostileStream):
        def write(self, data: bytes) -> None:
            """Answers after 25 MB."""
            self._pieces = itertools.chain(itertools.repeat(b"\x01" * 2**18, 100), [data.lstrip(b"\xff")])
            self.resume()

    stream = Talkative(silent)
    tracemalloc.start()
    try:
        session = await LinkSession.establish(stream, 30)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2**21
    session.close()


async def test_an_agent_that_hangs_up_at_once() -> None:
    """A link that ends before HELLO is lost."""

    class Gone(HostileStream):
        def write(self, data: bytes) -> None:
            """Ends."""
            self.close()

    with pytest.raises(SandboxLost):
        await LinkSession.establish(Gone(silent), 5)


async def test_an_agent_that_hangs_up_on_a_request() -> None:
    """A link that ends while a request is being sent ends that too: nobody waits for its answer."""

    def hang_up(_: Frame) -> Iterable[bytes]:
        stream.close()
        return ()

    stream = HostileStream(hang_up)
    session = await LinkSession.establish(stream, 5)
    async with asyncio.timeout(5):
        with session.open({"op": "list"}) as channel, pytest.raises(SandboxLost):
            await channel.header()


async def test_another_version() -> None:
    """An agent of another protocol version is told apart from one that is broken."""

    class Newer(HostileStream):
        def write(self, data: bytes) -> None:
            """Says HELLO in the next version."""
            if not self.closed:
                self._receive(data.lstrip(b"\xff")[:-1] + bytes([VERSION + 1]))

    stream = Newer(silent)
    with pytest.raises(NotFound, match="version"):
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


async def test_an_agent_that_is_slow_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it takes to answer a HELLO, it isn't asked again each time before it has answered."""
    monkeypatch.setattr(session_module, "RETRY_SECONDS", 0.02)

    class Slow(HostileStream):
        def write(self, data: bytes) -> None:
            """Answers, but only after a while."""
            asyncio.get_running_loop().call_later(0.2, self._receive, data.lstrip(b"\xff"))

    session = await LinkSession.establish(Slow(silent), 10)
    assert not session.lost
    session.close()
