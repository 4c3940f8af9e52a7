from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Iterator

import pytest
import trustme

from runtime.egress.config import TLS_PORT
from runtime.egress.resolver import NameNotFound
from runtime.network_values import Reason, SecretName, Verdict
from tests.runtime.egress.gates import HOST, denied_for, open_gate
from tests.runtime.egress.hellos import (
    ECH,
    ESNI,
    PADDING,
    Hello,
    in_pieces,
    in_records,
    real_hello,
    resumed_hello,
    server_names,
)
from tests.runtime.egress.memory_connections import Program
from tests.runtime.egress.stub_resolvers import StubResolver
from tests.runtime.egress.stub_servers import StubServer, echo
from tests.runtime.egress.stub_streams import server_context
from tests.runtime.egress.tls_programs import TlsProgram
from tests.service import wait_until


@pytest.fixture
def server(authority: trustme.CA) -> Iterator[StubServer]:
    """A TLS server for the allowed host and another one: what would happen if a program could reach both at once."""
    with StubServer(TLS_PORT, echo, tls=server_context(authority.issue_cert(HOST, "other.test"))) as running:
        yield running


@pytest.fixture
def resolver(server: StubServer) -> StubResolver:
    """Leads there."""
    return StubResolver({HOST: server.address, "other.test": server.address})


NAMED = server_names(HOST.encode())

REFUSED = {
    "another host": (real_hello("other.test"), Reason.SNI_MISMATCH),
    "one below the host": (real_hello(f"www.{HOST}"), Reason.SNI_MISMATCH),
    "no name": (real_hello(None), Reason.SNI_MISSING),
    "an address": (Hello([server_names(b"127.0.0.1")]).wire, Reason.SNI_INVALID),
    "two names": (Hello([server_names(HOST.encode(), b"other.test")]).wire, Reason.SNI_INVALID),
    "two extensions": (Hello([NAMED, NAMED]).wire, Reason.SNI_INVALID),
    "NUL": (Hello([server_names(HOST.encode() + b"\0.evil.test")]).wire, Reason.SNI_INVALID),
    "encrypted": (Hello([NAMED, (ECH, b"\0" * 32)]).wire, Reason.ENCRYPTED_CLIENT_HELLO),
    "encrypted as it was once": (Hello([NAMED, (ESNI, b"\0" * 32)]).wire, Reason.ENCRYPTED_CLIENT_HELLO),
    "too large": (Hello([NAMED, (PADDING, bytes(17_000))]).wire, Reason.CLIENT_HELLO_TOO_LARGE),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n", Reason.NOT_TLS),
    "SSH": (b"SSH-2.0-OpenSSH_9.2\r\n", Reason.NOT_TLS),
    "zeros": (bytes(1000), Reason.NOT_TLS),
}


@pytest.mark.parametrize(("says", "reason"), REFUSED.values(), ids=REFUSED)
async def test_what_does_not_begin_as_tls_for_the_host_is_refused(
    server: StubServer, resolver: StubResolver, says: bytes, reason: Reason
) -> None:
    """Not a byte reaches the server, which is dialled by then."""
    async with open_gate(resolver) as gate:
        assert await denied_for(gate, HOST, TLS_PORT, says, after=0.1) is reason
    assert not server.untouched
    assert server.heard_nothing


@pytest.mark.parametrize("answer", ["stalled", "none"])
async def test_a_refused_hello_is_why_whatever_becomes_of_the_connection(
    server: StubServer, resolver: StubResolver, answer: str
) -> None:
    """The name isn't waited for, and that there is no such host doesn't matter."""
    resolver.stalled = {HOST} if answer == "stalled" else set()
    resolver.answers[HOST] = NameNotFound()
    async with open_gate(resolver) as gate:
        program = Program()
        gate.accept(HOST, TLS_PORT, program.connection)
        await resolver.asked.wait()
        await program.send(real_hello("other.test"))
        assert await program.is_reset()
        assert [record.reason for record in gate.records()] == [Reason.SNI_MISMATCH]


@pytest.mark.parametrize("secrets", [[], [SecretName(HOST, "API_KEY")]], ids=["spliced", "intercepted"])
async def test_the_server_is_dialled_while_the_hello_is_on_its_way(
    server: StubServer, resolver: StubResolver, secrets: list[SecretName]
) -> None:
    """But hears nothing, and is let go of when none comes: then it is on record, with the address."""
    async with open_gate(resolver, secrets=secrets, values=dict.fromkeys(secrets, "value")) as gate:
        programs = [Program() for _ in range(3)]
        for program in programs:
            gate.accept(HOST, TLS_PORT, program.connection)
            await program.send(real_hello(HOST)[:-1])
        await asyncio.to_thread(wait_until, lambda: len(server.connections) == 3, 10, "Nobody has dialled the server")
        await asyncio.sleep(0.1)  # in which the gate hears of that, too
        assert not gate.records()
        programs[0].cut()
        programs[1].end()
        assert await programs[1].is_reset()
        gate.close()
        assert await programs[2].is_reset()
        records = gate.records()
    assert Counter(record.reason for record in records) == {Reason.ABANDONED: 2, Reason.NOT_TLS: 1}
    assert {(record.verdict, record.address) for record in records} == {(Verdict.DENIED, server.address)}
    assert await asyncio.to_thread(lambda: server.heard_nothing)


async def test_a_hello_that_ends_too_early_is_none(server: StubServer, resolver: StubResolver) -> None:
    """Nor is saying nothing."""
    async with open_gate(resolver) as gate:
        for says in (b"", real_hello(HOST)[:-1]):
            program = Program()
            gate.accept(HOST, TLS_PORT, program.connection)
            await program.send(says)
            program.end()
            assert await program.is_reset()
            assert gate.records()[-1].reason is Reason.NOT_TLS
    assert server.heard_nothing


async def test_a_hello_that_drips_is_given_up(server: StubServer, resolver: StubResolver) -> None:
    """However often a byte comes: the deadline is for the whole of it."""
    async with open_gate(resolver, client_hello_seconds=0.2) as gate:
        program = Program()
        gate.accept(HOST, TLS_PORT, program.connection)

        async def drip() -> None:
            for piece in in_pieces(real_hello(HOST), 1):
                await program.send(piece)
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())
        assert await program.is_reset()
        dripping.cancel()
        assert gate.records()[-1].reason is Reason.CLIENT_HELLO_TIMEOUT
    assert server.heard_nothing


ALLOWED = {
    "at once": [real_hello(HOST)],
    "upper case": [Hello([server_names(HOST.upper().encode())]).wire],
    "1-byte segments": list(in_pieces(real_hello(HOST), 1)),
    "many records": [in_records(Hello([NAMED]).message, 7)],
    "many records in many segments": list(in_pieces(in_records(Hello([NAMED]).message, 3), 2)),
    "a resumed session": [resumed_hello(HOST, ssl.TLSVersion.TLSv1_3)],
    "with early data": [real_hello(HOST) + b"\x17\x03\x03\x00\x05early"],
}


@pytest.mark.parametrize("segments", ALLOWED.values(), ids=ALLOWED)
async def test_a_hello_for_the_host_passes_untouched(segments: list[bytes]) -> None:
    """Byte for byte, however it comes."""
    with StubServer(TLS_PORT, echo) as server:
        async with open_gate(StubResolver({HOST: server.address})) as gate:
            program = Program()
            gate.accept(HOST, TLS_PORT, program.connection)
            for segment in segments:
                await program.send(segment)
                await asyncio.sleep(0)
            program.end()
            assert await program.read_all() == b"".join(segments)
            [record] = gate.records()
    assert server.raw == b"".join(segments)
    assert (record.verdict, record.reason) == (Verdict.ALLOWED, Reason.SPLICED)
    assert record.bytes_sent == record.bytes_received == len(server.raw)


async def test_client_and_server_have_tls_between_themselves(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    """The server's own certificate, HTTP/2 if they want it, and a session that is resumed."""
    certificate = authority.issue_cert(HOST)
    context = server_context(certificate, alpn=["h2", "http/1.1"])
    with StubServer(TLS_PORT, echo, tls=context) as server:
        async with open_gate(StubResolver({HOST: server.address})) as gate:
            session = None
            for _ in range(2):
                program = TlsProgram(trusting, HOST, session=session)
                gate.accept(HOST, TLS_PORT, program.connection)
                await program.shake_hands()
                await program.send(b"hello")
                assert await program.receive() == b"hello"
                seen = program.tls.getpeercert(binary_form=True)
                assert seen == ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode())
                assert program.tls.selected_alpn_protocol() == "h2"
                assert program.tls.session_reused == (session is not None)
                session = program.tls.session
    assert [each.server_name for each in server.connections] == [HOST, HOST]
