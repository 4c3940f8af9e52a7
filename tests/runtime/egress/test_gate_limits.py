from __future__ import annotations

import asyncio
import os
from contextlib import suppress

from runtime.egress.config import EgressConfig
from runtime.egress.egress import Egress
from runtime.network_values import NetworkPolicy, Reason, SecretName, Verdict
from tests.memory import MIB, growth
from tests.runtime.egress.gates import HOST, RAW_PORT, denied_for, fetched, open_gate
from tests.runtime.egress.memory_connections import ConnectionReset, Program
from tests.runtime.egress.stub_resolvers import StubResolver, is_public
from tests.runtime.egress.stub_servers import StubServer, echo, pour, swallow


async def talking(program: Program) -> Program:
    """The same, once it has exchanged something with a server that echoes."""
    await program.send(b"hello")
    assert await program.read_exactly(5) == b"hello"
    return program


async def test_connections_are_limited_and_places_are_given_back() -> None:
    """Idle ones take theirs too. Attempts that are refused take none."""
    with StubServer(RAW_PORT, echo) as server:
        async with open_gate(StubResolver({HOST: server.address}), max_connections=3) as gate:
            programs = [Program() for _ in range(3)]
            for program in programs:
                gate.accept(HOST, RAW_PORT, program.connection)
                assert await denied_for(gate, "other.test", RAW_PORT) is Reason.NOT_ALLOWED
            assert await denied_for(gate, HOST, RAW_PORT) is Reason.CONNECTION_LIMIT
            for program in programs:
                await talking(program)
                program.cut()
                await program.gate_end.closed.wait()
                assert await fetched(gate) == b"hello"


async def test_connections_of_all_sandboxes_together_are_limited() -> None:
    """A gate that is closed gives its places back."""
    config = EgressConfig(extra_ports=[RAW_PORT], max_connections_in_all=2)
    with StubServer(RAW_PORT, echo) as server:
        async with Egress.open(config, StubResolver({HOST: server.address}), is_public) as egress:
            one, other = (egress.gate(f"cntr_{name}", NetworkPolicy([HOST]), None) for name in ("one", "other"))
            programs = [Program(), Program()]
            for program in programs:
                one.accept(HOST, RAW_PORT, program.connection)
            assert await denied_for(other, HOST, RAW_PORT) is Reason.CONNECTION_LIMIT
            one.close()
            for program in programs:
                await program.gate_end.closed.wait()
            assert await fetched(other) == b"hello"


async def test_bytes_are_limited_over_all_connections() -> None:
    """In both directions together; what is beyond the limit reaches nobody, and nothing is begun any more."""
    with StubServer(RAW_PORT, echo) as server:
        async with open_gate(StubResolver({HOST: server.address}), max_bytes=25) as gate:
            assert await fetched(gate) == b"hello"
            program = Program()
            gate.accept(HOST, RAW_PORT, program.connection)
            await talking(program)
            await program.send(b"beyond")
            assert await program.is_reset()
            assert gate.records()[-1].reason is Reason.BYTE_LIMIT
            assert await denied_for(gate, HOST, RAW_PORT) is Reason.BYTE_LIMIT
    assert server.received == b"hellohello"
    assert len(server.connections) == 2


async def test_what_is_received_counts_too() -> None:
    """A download is cut off at the limit."""
    with StubServer(RAW_PORT, pour(10 * MIB)) as server:
        async with open_gate(StubResolver({HOST: server.address}), max_bytes=MIB) as gate:
            program = Program()
            gate.accept(HOST, RAW_PORT, program.connection)
            received = 0
            with suppress(ConnectionReset):
                async for piece in program:
                    received += len(piece)
            assert received <= MIB
            [record] = gate.records()
    assert (record.verdict, record.reason) == (Verdict.DENIED, Reason.BYTE_LIMIT)
    assert record.bytes_received <= MIB


async def test_an_idle_connection_is_cut_off_and_a_slow_one_is_not() -> None:
    """A byte now and then is enough; none for a while, in either direction, is too few."""
    with StubServer(RAW_PORT, echo) as server:
        async with open_gate(StubResolver({HOST: server.address}), idle_seconds=1.0) as gate:
            program = Program()
            gate.accept(HOST, RAW_PORT, program.connection)
            for _ in range(5):
                await asyncio.sleep(0.25)
                await talking(program)
            assert await program.is_reset()
            [record] = gate.records()
            assert (record.verdict, record.reason) == (Verdict.DENIED, Reason.IDLE_TIMEOUT)
            assert record.bytes_sent == record.bytes_received == 25


async def test_a_noisy_sandbox_does_not_stop_a_quiet_one() -> None:
    """Its neighbour takes all it can get, and tries for more than that, all the while."""
    config = EgressConfig(extra_ports=[RAW_PORT], max_connections=4)
    with StubServer(RAW_PORT, pour(2**40)) as source, StubServer(RAW_PORT, echo) as server:
        resolver = StubResolver({HOST: server.address, "source.test": source.address})
        async with Egress.open(config, resolver, is_public) as egress:
            noisy = egress.gate("cntr_noisy", NetworkPolicy(["source.test"]), None)
            quiet = egress.gate("cntr_quiet", NetworkPolicy([HOST]), None)

            async def take(program: Program) -> None:
                async for _ in program:
                    noisy.accept("source.test", RAW_PORT, Program().connection)

            async with asyncio.TaskGroup() as takers:
                programs = [Program() for _ in range(4)]
                for program in programs:
                    noisy.accept("source.test", RAW_PORT, program.connection)
                tasks = [takers.create_task(take(program)) for program in programs]
                for _ in range(50):
                    assert await fetched(quiet) == b"hello"
                assert not any(task.done() for task in tasks)
                for task in tasks:
                    task.cancel()
            assert {record.reason for record in noisy.records()} - {Reason.SPLICED} == {Reason.CONNECTION_LIMIT}
            assert {record.reason for record in quiet.records()} == {Reason.SPLICED}


async def test_what_passes_takes_no_memory() -> None:
    """256 MiB each way at once, to and from sides that are slower than each other."""
    size = 256 * MIB
    with StubServer(RAW_PORT, pour(size)) as source, StubServer(RAW_PORT, swallow) as sink:
        resolver = StubResolver({"source.test": source.address, "sink.test": sink.address})
        async with open_gate(resolver, domains=["*.test"]) as gate:
            down, up = Program(), Program()
            gate.accept("source.test", RAW_PORT, down.connection)
            gate.accept("sink.test", RAW_PORT, up.connection)
            received = sent = 0
            with growth(os.getpid(), "256 MiB through a splice, each way") as grown:
                async for data in down:
                    received += len(data)
                    if received - sent >= MIB:
                        await up.send(bytes(MIB))
                        sent += MIB
                up.end()
                down.end()
                assert await up.read_all() == b""
            assert received == sent == size
            assert grown() < 16 * MIB


async def test_secrets_take_their_memory_once() -> None:
    """However many connections there are to their host, and none once the gate is closed."""
    secrets = [SecretName(HOST, f"KEY_{number}") for number in range(16)]
    values = {secret: f"{number:065536}" for number, secret in enumerate(secrets)}
    resolver = StubResolver({HOST: "127.0.0.1"})
    async with open_gate(resolver, secrets=secrets, values=values) as gate:
        with growth(os.getpid(), "beside 100 connections that may need 1 MiB of secrets") as grown:
            for _ in range(50):
                gate.accept(HOST, 80, Program().connection)
                gate.accept(HOST, 443, Program().connection)
            await asyncio.sleep(0.1)  # all of them wait for what the program says
        assert grown() < 20 * MIB
