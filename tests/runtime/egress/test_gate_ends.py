from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from runtime.egress.config import HTTP_PORT, TLS_PORT
from runtime.egress.gate import Gate
from runtime.network_values import Reason, Verdict
from tests.runtime.egress.gates import HOST, RAW_PORT, fetched, open_gate
from tests.runtime.egress.memory_connections import ConnectionReset, Program
from tests.runtime.egress.stub_resolvers import StubResolver
from tests.runtime.egress.stub_servers import StubServer, echo, pour
from tests.runtime.egress.stub_streams import Accepted

SOON = 5.0
"""Seconds within which the other side of a connection that was cut off is, on a machine that is busy with others."""


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Gate, Program, StubServer]]:
    """A program and a server that have spoken with each other."""
    with StubServer(RAW_PORT, echo) as server:
        async with open_gate(StubResolver({HOST: server.address})) as gate:
            program = Program()
            gate.accept(HOST, RAW_PORT, program.connection)
            await program.send(b"hello")
            assert await program.read_exactly(5) == b"hello"
            yield gate, program, server


async def test_a_link_that_is_lost_cuts_the_server_off() -> None:
    """At once; the server can tell it from an end."""
    async with connected() as (gate, program, server), asyncio.timeout(SOON):
        program.cut()
        assert (await server.last_over()).was_reset
        assert [record.reason for record in gate.records()] == [Reason.SPLICED]


async def test_closing_a_gate_cuts_both_sides_off() -> None:
    """At once; after that nothing is accepted, and the records are still there."""
    async with connected() as (gate, program, server), asyncio.timeout(SOON):
        gate.close()
        gate.close()
        assert (await server.last_over()).was_reset
        with pytest.raises(ConnectionReset):
            await program.receive()
        late = Program()
        gate.accept(HOST, RAW_PORT, late.connection)
        assert await late.is_reset()
        gate.looked_up("other.test")
        assert [record.reason for record in gate.records()] == [Reason.SPLICED]


BEGINNINGS = {RAW_PORT: b"", TLS_PORT: b"", HTTP_PORT: b"GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n"}
"""What a program has to say on each port before its server is dialled."""


@pytest.mark.parametrize("ends", ["the program", "the container"])
@pytest.mark.parametrize(("port", "says"), BEGINNINGS.items(), ids=map(str, BEGINNINGS))
async def test_what_is_abandoned_is_on_record(
    port: int, says: bytes, ends: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As soon as its name is asked for, others can notice: it is a denial then, whoever cuts it off."""
    caplog.set_level(logging.INFO, "runtime.egress")
    resolver = StubResolver({})
    resolver.stalled = {HOST}
    async with open_gate(resolver) as gate:
        program = Program()
        gate.accept(HOST, port, program.connection)
        await program.send(says)
        await resolver.asked.wait()
        if ends == "the program":
            program.cut()
        else:
            gate.close()
        await program.gate_end.closed.wait()
        [record] = gate.records()
    assert (record.host, record.port, record.address) == (HOST, port, None)
    assert (record.verdict, record.reason) == (Verdict.DENIED, Reason.ABANDONED)
    assert [f"{HOST}:{port} (-) denied: abandoned, " in line for line in caplog.messages] == [True]


async def test_a_connection_that_is_lost_at_once_leaves_nothing() -> None:
    """No record, for nobody was asked for anything; and its place is free."""
    with StubServer(RAW_PORT, echo) as server:
        resolver = StubResolver({HOST: server.address})
        async with open_gate(resolver, max_connections=1) as gate:
            program = Program()
            program.cut()
            gate.accept(HOST, RAW_PORT, program.connection)
            await program.gate_end.closed.wait()
            assert gate.records() == []
            assert not resolver.questions
            assert await fetched(gate) == b"hello"


async def test_a_server_that_resets_cuts_the_program_off() -> None:
    """As it would without anybody between."""

    def reset(stream: Accepted) -> None:
        stream.read_some()
        stream.reset()

    with StubServer(RAW_PORT, reset) as server:
        async with open_gate(StubResolver({HOST: server.address})) as gate:
            program = Program()
            gate.accept(HOST, RAW_PORT, program.connection)
            await program.send(b"hello")
            assert await program.is_reset()
            [record] = gate.records()
    assert (record.verdict, record.reason, record.bytes_sent) == (Verdict.ALLOWED, Reason.SPLICED, 5)


async def test_each_direction_ends_by_itself() -> None:
    """The program ends first and reads on; or the server does, and the program writes on."""
    with StubServer(RAW_PORT, pour(5)) as server:
        async with open_gate(StubResolver({HOST: server.address})) as gate:
            program = Program()
            gate.accept(HOST, RAW_PORT, program.connection)
            assert await program.read_all() == b"x" * 5
            await program.send(b"after the end")
            program.end()
            await program.gate_end.closed.wait()
        assert (await server.last_over()).received == b"after the end"
