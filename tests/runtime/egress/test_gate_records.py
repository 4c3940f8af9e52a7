from __future__ import annotations

import logging
import re

import pytest

from runtime.egress.attempts import Attempt
from runtime.egress.pushed import PushedConnection
from runtime.egress.records import Records
from runtime.ids import is_egress_id
from runtime.network_values import Reason, SecretName, Verdict
from tests.runtime.egress.gates import CONTAINER_ID, HOST, RAW_PORT, denied, fetched, open_gate
from tests.runtime.egress.memory_connections import MemoryConnection, Program
from tests.runtime.egress.stub_resolvers import StubResolver
from tests.runtime.egress.stub_servers import StubServer, echo

CANARY = "sings"


async def test_a_record_tells_what_passes_while_it_passes() -> None:
    """Its id stays the same."""
    with StubServer(RAW_PORT, echo) as server:
        async with open_gate(StubResolver({HOST: server.address})) as gate:
            program = Program()
            gate.accept(HOST, RAW_PORT, program.connection)
            ids = set()
            for number in range(1, 4):
                await program.send(b"hello")
                await program.read_exactly(5)
                [record] = gate.records()
                ids.add(record.id)
                assert (record.bytes_sent, record.bytes_received) == (5 * number, 5 * number)
                assert (record.host, record.port, record.address) == (HOST, RAW_PORT, server.address)
                assert (record.verdict, record.reason) == (Verdict.ALLOWED, Reason.SPLICED)
            [record_id] = ids
            assert is_egress_id(record_id)


async def test_the_last_thousand_denials_are_kept() -> None:
    """The newest last."""
    async with open_gate(StubResolver({})) as gate:
        for number in range(1_010):
            gate.looked_up(f"host{number}.test")
        assert [record.host for record in gate.records()] == [f"host{number}.test" for number in range(10, 1_010)]


async def test_each_attempt_is_one_line_of_log(caplog: pytest.LogCaptureFixture) -> None:
    """Written at its end, with its bytes."""
    caplog.set_level(logging.INFO, "runtime.egress")
    with StubServer(RAW_PORT, echo) as server:
        async with open_gate(StubResolver({HOST: server.address})) as gate:
            await fetched(gate)
            await denied(gate, "other.test\r\nforged: line", 22)
    assert [record.getMessage() for record in caplog.records] == [
        f"{CONTAINER_ID}: {HOST}:{RAW_PORT} ({server.address}) allowed: spliced, 5 bytes sent, 5 received",
        rf"{CONTAINER_ID}: other.test\x0d\x0aforged:\x20line:22 (-) denied: invalid_name, 0 bytes sent, 0 received",
    ]


async def test_a_sandbox_cannot_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """However often it tries; how many lines were left out is said at the end, if not before."""
    caplog.set_level(logging.INFO, "runtime.egress")
    async with open_gate(StubResolver({})) as gate:
        for _ in range(5_000):
            gate.looked_up("other.test")
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) < 200
    assert len([line for line in lines if "other.test" in line]) + left_out("denials", lines)[0] == 5_000


async def test_lookups_that_the_agent_leaves_out_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    """As far as it says a number that can be one; none can be so large that it is of any use to a hostile agent."""
    caplog.set_level(logging.INFO, "runtime.egress")
    async with open_gate(StubResolver({})) as gate:
        numbers: list[object] = [7, None, "8", True, 1.5, 0, -3, {}, [5], 10]
        for number in numbers:
            gate.lookups_left_out(number)
        gate.looked_up("other.test")
        gate.lookups_left_out(10**4000)
        gate.close()
        gate.lookups_left_out(5)
        assert len(gate.records()) == 1
    [line, end] = lines_of(caplog, "")
    assert line.endswith("; before this, 17 more denials were left out, 0 bytes sent, 0 received")
    assert left_out("denials", [end]) == [1_000_000, 0, 0]


async def test_denials_displace_denials_only(caplog: pytest.LogCaptureFixture) -> None:
    """What went to an allowed host can't be hidden behind them, also if it is cut off in the end."""
    caplog.set_level(logging.INFO, "runtime.egress")
    with StubServer(RAW_PORT, echo) as server:
        async with open_gate(StubResolver({HOST: server.address}), max_bytes=15) as gate:
            for _ in range(130):
                gate.looked_up("before.test")
            assert await fetched(gate) == b"hello"
            program = Program()
            gate.accept(HOST, RAW_PORT, program.connection)
            await program.send(b"beyond")
            await program.gate_end.closed.wait()
            for _ in range(1_001):
                gate.looked_up("after.test")
            records = gate.records()
    went = [(Verdict.ALLOWED, Reason.SPLICED), (Verdict.DENIED, Reason.BYTE_LIMIT)]
    assert [(record.verdict, record.reason) for record in records if record.host == HOST] == went
    assert [record.host for record in records] == [HOST] * 2 + ["after.test"] * 1_000
    for line, (verdict, reason) in zip(lines_of(caplog, HOST), went, strict=True):
        assert f"{verdict}: {reason}, " in line


async def test_records_of_both_kinds_are_in_one_order() -> None:
    """That in which they were decided."""
    with StubServer(RAW_PORT, echo) as server:
        async with open_gate(StubResolver({HOST: server.address})) as gate:
            for number in range(3):
                gate.looked_up(f"{number}.test")
                await fetched(gate)
            assert [record.host for record in gate.records()] == ["0.test", HOST, "1.test", HOST, "2.test", HOST]


def attempt(records: Records, *, sent: int = 0, received: int = 0) -> Attempt:
    """One that is let through, on which so much has passed."""
    made = Attempt(records, HOST, RAW_PORT)
    made.let_through(Reason.SPLICED)
    made.traffic.sent, made.traffic.received = sent, received
    return made


def test_connections_that_are_left_out_are_counted_with_their_bytes(caplog: pytest.LogCaptureFixture) -> None:
    """There may be many more of them than of denials, but not so many that they fill the log."""
    caplog.set_level(logging.INFO, "runtime.egress")
    records = Records(CONTAINER_ID)
    for _ in range(5_000):
        attempt(records, sent=1_000, received=10).over()
    written = len(lines_of(caplog, HOST))
    assert 1_000 <= written < 1_500
    records.close()
    number, sent, received = left_out("connections", lines_of(caplog, ""))
    assert number == 5_000 - written
    assert (sent, received) == (1_000 * number, 10 * number)
    assert len(records.last()) == 1_000


def test_what_ends_with_its_container_has_its_line(caplog: pytest.LogCaptureFixture) -> None:
    """However many others were left out before: nobody would tell of it any more."""
    caplog.set_level(logging.INFO, "runtime.egress")
    records = Records(CONTAINER_ID)
    under_way = attempt(records, sent=123_456)
    for _ in range(5_000):
        attempt(records).over()
    records.close()
    under_way.over()
    assert "123456 bytes sent" in lines_of(caplog, HOST)[-1]


def lines_of(caplog: pytest.LogCaptureFixture, host: str) -> list[str]:
    """The lines of log about a host; about whatever it is, if that is empty."""
    lines = [record.getMessage() for record in caplog.records]
    return [line for line in lines if line.startswith(f"{CONTAINER_ID}: {host}")]


def left_out(noun: str, lines: list[str]) -> list[int]:
    """How many, and how many bytes sent and received, were left out of these lines by what they say."""
    told = [
        [int(number) for number in found.groups()]
        for line in lines
        if (found := re.search(rf"(\d+) more {noun} were left out, (\d+) bytes sent, (\d+) received$", line))
    ]
    return [sum(numbers) for numbers in zip(*told, strict=True)]


class _Faulty(MemoryConnection):
    """Fails in a way that nobody expects, with a secret in the error's message."""

    def __init__(self, whole: MemoryConnection) -> None:
        self.__dict__ = whole.__dict__

    async def receive(self) -> bytes:
        raise RuntimeError(CANARY)


async def test_a_connection_that_fails_ends_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """It is on record, and logged where it failed, but not the message, which might be what a program sent."""
    with StubServer(RAW_PORT, echo) as server:
        async with open_gate(StubResolver({HOST: server.address})) as gate:
            program, other = Program(), Program()
            gate.accept(HOST, RAW_PORT, other.connection)
            gate.accept(HOST, RAW_PORT, PushedConnection(_Faulty(program.gate_end)))
            assert await program.is_reset()
            await other.send(b"hello")
            assert await other.read_exactly(5) == b"hello"
            reasons = [record.reason for record in gate.records()]
    assert reasons == [Reason.SPLICED, Reason.INTERNAL_ERROR]
    [error] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "RuntimeError" in error.getMessage()
    assert "in receive" in error.getMessage()
    assert CANARY not in caplog.text


SECRETS = [SecretName(HOST, "API_KEY"), SecretName(HOST, "OTHER_KEY")]


@pytest.mark.parametrize("values", [None, {}, {SECRETS[0]: CANARY}], ids=["all", "each", "one of two"])
async def test_a_domain_whose_secret_is_lost_is_refused(values: dict[SecretName, str] | None) -> None:
    """Never without the secret, never direct; other domains are as before."""
    with StubServer(443, echo) as server, StubServer(RAW_PORT, echo) as other:
        resolver = StubResolver({HOST: server.address, "other.test": other.address})
        async with open_gate(resolver, domains=["*.test"], secrets=SECRETS, values=values) as gate:
            assert (await denied(gate, HOST, 443)).reason is Reason.SECRET_UNAVAILABLE
            assert not resolver.questions
            assert await fetched(gate, "other.test") == b"hello"
            assert gate.environment == {"API_KEY": "$API_KEY", "OTHER_KEY": "$OTHER_KEY"}
        assert server.untouched


async def test_a_gate_without_secrets_needs_no_authority() -> None:
    """Each one with secrets has its own."""
    secret = SecretName(HOST, "API_KEY")
    async with open_gate(StubResolver({})) as gate:
        assert gate.authority is None
        assert gate.environment == {}
    authorities = []
    for _ in range(2):
        async with open_gate(StubResolver({}), secrets=[secret], values={secret: "value"}) as gate:
            authorities.append(gate.authority)
    assert None not in authorities
    assert len(set(authorities)) == 2
