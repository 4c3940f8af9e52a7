"""Servers that ask for a second ClientHello, since they share no group with the first: it has to name the same host."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Iterator, Sequence

import pytest
import trustme

from runtime.egress.config import TLS_PORT
from runtime.egress.hello_retry import HelloRetry
from runtime.egress.splice import splice
from runtime.network_values import Reason, Verdict
from tests.runtime.egress.gates import HOST, open_gate
from tests.runtime.egress.hellos import ECH, Hello, in_pieces, in_records, real_hello, record, server_names
from tests.runtime.egress.memory_connections import WINDOW, ConnectionReset, Program
from tests.runtime.egress.receivers import Told
from tests.runtime.egress.socket_pairs import socket_pair
from tests.runtime.egress.stub_channels import StubChannel
from tests.runtime.egress.stub_resolvers import StubResolver
from tests.runtime.egress.stub_servers import StubServer, echo, swallow
from tests.runtime.egress.stub_streams import Accepted, server_context
from tests.runtime.egress.tls_programs import TlsProgram

ASKS_AGAIN = hashlib.sha256(b"HelloRetryRequest").digest()
NO_CHANGE = record(b"\1", kind=20)  # of ciphers; sent for the sake of middleboxes
EARLY = record(b"early data", kind=23)
NAMED = server_names(HOST.encode())
FIRST = real_hello(HOST)
OTHER = real_hello("other.test")


@pytest.fixture
def server(authority: trustme.CA) -> Iterator[StubServer]:
    """A server for the allowed host and another one that wants a group which nobody offers at first."""
    context = server_context(authority.issue_cert(HOST, "other.test"))
    context.set_ecdh_curve("secp384r1")
    with StubServer(TLS_PORT, echo, tls=context) as running:
        yield running


async def answered(program: Program) -> bytes:
    """What the server says first: that is a request for another ClientHello."""
    answer = b""
    while len(answer) < 43:
        answer += await program.receive()
    assert answer[11:43] == ASKS_AGAIN
    return answer


async def is_reset(program: Program) -> bool:
    """Whether the program sees a reset, after whatever else."""
    try:
        await program.read_all()
    except ConnectionReset:
        return True
    return False


async def test_a_server_may_ask_again(server: StubServer, trusting: ssl.SSLContext) -> None:
    """Program and server come to terms as they would without a gate."""
    async with open_gate(StubResolver({HOST: server.address})) as gate:
        program = TlsProgram(trusting, HOST)
        gate.accept(HOST, TLS_PORT, program.connection)
        await program.shake_hands()
        await program.send(b"hello")
        assert await program.receive() == b"hello"
        [record] = gate.records()
    assert server.raw.count(HOST.encode()) == 2
    assert record.verdict is Verdict.ALLOWED


REFUSED = {
    "another host": ([OTHER], Reason.SNI_MISMATCH),
    "another host, byte by byte": (list(in_pieces(OTHER, 1)), Reason.SNI_MISMATCH),
    "another host, in many records": (
        [in_records(Hello([server_names(b"other.test")]).message, 7)],
        Reason.SNI_MISMATCH,
    ),
    "another host, after what means nothing": ([NO_CHANGE + EARLY + NO_CHANGE + OTHER], Reason.SNI_MISMATCH),
    "another host, after the half of that": (
        [EARLY[:3], EARLY[3:9], EARLY[9:] + OTHER[:2], OTHER[2:]],
        Reason.SNI_MISMATCH,
    ),
    "no name": ([real_hello(None)], Reason.SNI_MISSING),
    "encrypted": ([Hello([NAMED, (ECH, bytes(32))]).wire], Reason.ENCRYPTED_CLIENT_HELLO),
    "no TLS": ([b"GET / HTTP/1.1\r\n\r\n"], Reason.NOT_TLS),
    "no record": ([b"\x17\x03\x03\xff\xff"], Reason.NOT_TLS),
}


@pytest.mark.parametrize("is_early", [False, True], ids=["when it is asked for", "before it is asked for"])
@pytest.mark.parametrize(("says", "reason"), REFUSED.values(), ids=REFUSED)
async def test_a_second_hello_for_another_host_is_refused(
    server: StubServer, says: Sequence[bytes], reason: Reason, is_early: bool
) -> None:
    """The server doesn't hear of it; the connection is on record as one that was cut off."""
    async with open_gate(StubResolver({HOST: server.address})) as gate:
        program = Program()
        gate.accept(HOST, TLS_PORT, program.connection)
        if is_early:
            await program.send(FIRST + says[0])
        else:
            await program.send(FIRST)
            await answered(program)
            await program.send(says[0])
        for piece in says[1:]:
            await program.send(piece)
            await asyncio.sleep(0)
        assert await is_reset(program)
        [found] = gate.records()
    assert (found.verdict, found.reason) == (Verdict.DENIED, reason)
    assert (await server.last_over()).raw.replace(NO_CHANGE, b"").replace(EARLY, b"") == FIRST


ANSWER = record(b"\2" + bytes(60))


def answer_and_echo(stream: Accepted) -> None:
    """Begin as servers of TLS do, more or less, and then send everything back."""
    stream.read_some()
    stream.write(ANSWER)
    echo(stream)


async def test_whoever_is_not_asked_may_say_anything() -> None:
    """It waits for the server's answer, and then passes in order, with its end."""
    with StubServer(TLS_PORT, answer_and_echo) as server:
        async with open_gate(StubResolver({HOST: server.address})) as gate:
            program = Program()
            gate.accept(HOST, TLS_PORT, program.connection)
            await program.send(FIRST + EARLY)
            await program.send(OTHER)
            program.end()
            assert await program.read_all() == ANSWER + EARLY + OTHER
    assert server.raw == FIRST + EARLY + OTHER


async def test_what_came_before_waits_too() -> None:
    """What the program has said, and that it ended, before anybody could be told to wait."""
    async with socket_pair() as program, socket_pair() as server:
        await program.says(EARLY + OTHER)
        program.ends()
        await asyncio.sleep(0.1)
        splicing = asyncio.create_task(splice(program.channel, HelloRetry(server.channel, HOST, b"")))
        await asyncio.sleep(0.1)
        await server.says(ANSWER)
        server.ends()
        assert await server.hears_all() == EARLY + OTHER
        assert await program.hears_all() == ANSWER
        await splicing


def end_at_once(stream: Accepted) -> None:
    """Read something, and send nothing."""
    stream.read_some()
    stream.end()
    swallow(stream)


async def test_a_server_that_never_answers_is_told_all_the_same() -> None:
    """It asks for nothing, when it ends."""
    with StubServer(TLS_PORT, end_at_once) as server:
        async with open_gate(StubResolver({HOST: server.address})) as gate:
            program = Program()
            gate.accept(HOST, TLS_PORT, program.connection)
            await program.send(FIRST + EARLY)
            program.end()
            assert await program.read_all() == b""
            assert (await server.last_over()).raw == FIRST + EARLY


async def test_a_server_that_does_not_answer_makes_the_program_wait() -> None:
    """What the program says meanwhile isn't kept here, but with itself; and it is heard when it leaves."""
    with StubServer(TLS_PORT, swallow) as server:
        async with open_gate(StubResolver({HOST: server.address})) as gate:
            program = Program()
            gate.accept(HOST, TLS_PORT, program.connection)
            await program.send(FIRST)
            sending = asyncio.create_task(program.send(bytes(4 * WINDOW)))
            await asyncio.sleep(0.2)
            assert not sending.done()
            sending.cancel()
            program.cut()
            assert (await server.last_over()).raw == FIRST


def has_room(program: Told) -> bool:
    """What the program was told last; a function, as types of attributes aren't expected to change meanwhile."""
    return program.has_room


@pytest.mark.parametrize("rest", [b"", EARLY])
def test_a_program_has_no_room_as_long_as_what_it_says_waits(rest: bytes) -> None:
    """Nor when the server has none, before its answer and after it: only what little has come is held."""
    server, program = StubChannel(), Told()
    retry = HelloRetry(server, HOST, rest)
    retry.hand_over(program)
    assert has_room(program) is not bool(rest)
    server.receiver.pause_writing()
    assert not has_room(program)
    server.receiver.resume_writing()
    assert has_room(program) is not bool(rest)
    retry.write(EARLY)
    assert not has_room(program)
    server.receiver.pause_writing()
    server.receiver.resume_writing()
    assert not has_room(program)
    server.receiver.data_received(ANSWER)
    assert has_room(program)
    assert server.heard == rest + EARLY
    server.receiver.pause_writing()
    assert not has_room(program)
    server.receiver.resume_writing()
    assert has_room(program)
    retry.write(b"more")
    retry.end()
    assert server.heard == rest + EARLY + b"more"
    assert server.has_ended


def test_a_server_without_room_may_answer() -> None:
    """What was kept goes on; the program waits until the server has taken it."""
    server, program = StubChannel(), Told()
    retry = HelloRetry(server, HOST, EARLY)
    retry.hand_over(program)
    server.receiver.pause_writing()
    server.receiver.data_received(ANSWER)
    assert server.heard == EARLY
    assert not has_room(program)
    server.receiver.resume_writing()
    assert has_room(program)


ASKING = record(b"\2" + bytes(5) + ASKS_AGAIN)


def test_a_server_asks_once() -> None:
    """After the second ClientHello, whatever the server says or doesn't, what the program says is its own concern."""
    server, program = StubChannel(), Told()
    retry = HelloRetry(server, HOST, b"")
    retry.hand_over(program)
    server.receiver.data_received(ASKING)
    retry.write(FIRST)
    server.receiver.data_received(ASKING)
    retry.write(b"no TLS")
    server.receiver.eof_received()
    retry.write(b", again")
    assert server.heard == FIRST + b"no TLS, again"
    assert program.data == ASKING + ASKING


def test_a_program_that_ends_is_not_waited_for() -> None:
    """Neither when nothing of it waits, nor in the middle of a second ClientHello, which the server never sees then."""
    for says in (b"", FIRST[:-1]):
        server = StubChannel()
        retry = HelloRetry(server, HOST, b"")
        retry.hand_over(Told())
        if says:
            server.receiver.data_received(ASKING)
            retry.write(says)
        retry.end()
        assert server.has_ended
        assert not server.heard
