from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from runtime.egress.config import HTTP_PORT, TLS_PORT
from runtime.egress.gate import Gate
from runtime.network_values import Reason, SecretName, Verdict
from tests.runtime.egress.gates import HOST, RAW_PORT, denied_for, fetched, open_gate
from tests.runtime.egress.hellos import real_hello
from tests.runtime.egress.memory_connections import Program
from tests.runtime.egress.stub_resolvers import StubResolver
from tests.runtime.egress.stub_servers import StubServer, new_address
from tests.runtime.egress.stub_streams import server_context
from tests.runtime.egress.tls_programs import TlsProgram

SECRET = SecretName(HOST, "API_KEY")
CANARY = "sings"


def get(path: str, *lines: str, host: str = HOST) -> bytes:
    """A request without a body."""
    return "\r\n".join([f"GET {path} HTTP/1.1", f"Host: {host}", *lines, "", ""]).encode()


def trusting(gate: Gate) -> ssl.SSLContext:
    """A client's context that trusts the sandbox's authority alone."""
    assert gate.authority is not None
    return ssl.create_default_context(cadata=gate.authority)


@pytest.fixture
def server() -> Iterator[StubServer]:
    """A plain HTTP server."""
    with StubServer(HTTP_PORT) as running:
        yield running


async def test_plain_http_passes_and_is_written_down(server: StubServer) -> None:
    """With its bytes, and where it went."""
    async with open_gate(StubResolver({HOST: server.address})) as gate:
        answer = await fetched(gate, port=HTTP_PORT, says=get("/echo"))
        [record] = gate.records()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.lower().count(b"host: allowed.test") == 1
    assert (record.verdict, record.reason) == (Verdict.ALLOWED, Reason.PLAIN_HTTP)
    assert (record.address, record.bytes_received) == (server.address, len(answer))


CHUNKED = ("Transfer-Encoding: chunked", "")
MISLED = {
    "another Host": (get("/evil", host="other.test"), Reason.HOST_MISMATCH, b" 421 "),
    "no Host": (b"GET /evil HTTP/1.1\r\n\r\n", Reason.BAD_REQUEST, b" 400 "),
    "two Hosts": (get("/evil", "Host: other.test"), Reason.BAD_REQUEST, b" 400 "),
    "a length and chunks": (get("/evil", "Content-Length: 5", *CHUNKED), Reason.BAD_REQUEST, b" 400 "),
    "two lengths": (get("/evil", "Content-Length: 5", "Content-Length: 0"), Reason.BAD_REQUEST, b" 400 "),
    "a folded line": (get("/evil", "X: a", " Host: other.test"), Reason.BAD_REQUEST, b" 400 "),
    "another URL": (get("http://other.test/evil"), Reason.HOST_MISMATCH, b" 421 "),
    "a proxy's CONNECT": (
        b"CONNECT other.test:443 HTTP/1.1\r\nHost: other.test\r\n\r\n",
        Reason.BAD_REQUEST,
        b" 405 ",
    ),
    "not HTTP": (b"\x16\x03\x01\r\n\r\n", Reason.BAD_REQUEST, b" 400 "),
}


@pytest.mark.parametrize("before", [b"", get("/")], ids=["first", "second"])
@pytest.mark.parametrize(("says", "reason", "status"), MISLED.values(), ids=MISLED)
async def test_a_request_that_is_refused_is_written_down(
    server: StubServer, before: bytes, says: bytes, reason: Reason, status: bytes
) -> None:
    """Beside the connection, if the server was reached before; the server hears nothing of it, nor of what follows."""
    async with open_gate(StubResolver({HOST: server.address})) as gate:
        answers = await fetched(gate, port=HTTP_PORT, says=before + says + get("/evil"))
        records = gate.records()
    assert status in answers
    assert answers.count(b"hello") == bool(before)
    assert (records[-1].verdict, records[-1].reason) == (Verdict.DENIED, reason)
    assert [record.reason for record in records[:-1]] == [Reason.PLAIN_HTTP] * bool(before)
    assert server.received == before


async def test_a_redirect_leads_nowhere_else(server: StubServer) -> None:
    """The program is told, and is refused when it follows."""
    async with open_gate(StubResolver({HOST: server.address})) as gate:
        answer = await fetched(gate, port=HTTP_PORT, says=get("/redirect?to=http://other.test/"))
        assert b"http://other.test/" in answer
        assert await denied_for(gate, "other.test", HTTP_PORT) is Reason.NOT_ALLOWED
    assert b"other.test" not in server.received.replace(b"to=http://other.test/", b"")


async def test_a_server_that_is_not_there_is_written_down() -> None:
    """The program of plain HTTP is told in its own terms."""
    async with open_gate(StubResolver({HOST: new_address()})) as gate:
        assert b" 502 " in await fetched(gate, port=HTTP_PORT, says=get("/"))
        assert [(each.verdict, each.reason) for each in gate.records()] == [(Verdict.DENIED, Reason.CONNECT_FAILED)]


@pytest.mark.parametrize("ends", ["the program", "the container"])
async def test_who_is_told_why_cannot_keep_it_off_the_record(ends: str) -> None:
    """Though the connection is cut off while the gate waits for its end."""
    async with open_gate(StubResolver({HOST: "10.0.0.1"})) as gate:
        program = Program()
        gate.accept(HOST, HTTP_PORT, program.connection)
        await program.send(get("/"))
        assert b"address_not_public" in await program.receive()
        if ends == "the program":
            program.cut()
        else:
            gate.close()
        await program.gate_end.closed.wait()
        [record] = gate.records()
    assert (record.reason, record.address) == (Reason.ADDRESS_NOT_PUBLIC, "10.0.0.1")


async def test_a_secret_reaches_its_server_and_nothing_else(authority: trustme.CA, ca_bundle: Path) -> None:
    """Not the program, which sees the placeholder where the server echoes the value, nor the records."""
    with StubServer(TLS_PORT, tls=server_context(authority.issue_cert(HOST))) as server:
        resolver = StubResolver({HOST: server.address})
        async with open_gate(resolver, secrets=[SECRET], values={SECRET: CANARY}, ca_bundle=ca_bundle) as gate:
            program = TlsProgram(trusting(gate), HOST)
            gate.accept(HOST, TLS_PORT, program.connection)
            await program.shake_hands()
            await program.send(get("/echo", "Authorization: Bearer $API_KEY", "Connection: close"))
            answer = await program.read_all()
            [record] = gate.records()
    assert b"Bearer $API_KEY" in answer
    assert b"Bearer sings" in server.received
    assert CANARY not in f"{answer!r} {record!r}"
    assert (record.verdict, record.reason) == (Verdict.ALLOWED, Reason.INTERCEPTED)


@pytest.mark.parametrize(
    ("port", "reason"), [(HTTP_PORT, Reason.PLAIN_HTTP), (RAW_PORT, Reason.SPLICED)], ids=["plain HTTP", "another port"]
)
async def test_a_secret_goes_through_tls_on_its_port_alone(port: int, reason: Reason) -> None:
    """Elsewhere its own host gets the placeholder, and bytes that nobody has looked into."""
    with StubServer(port) as server:
        resolver = StubResolver({HOST: server.address})
        async with open_gate(resolver, secrets=[SECRET], values={SECRET: CANARY}) as gate:
            answer = await fetched(gate, port=port, says=get("/echo", "Authorization: Bearer $API_KEY"))
            [record] = gate.records()
    assert b"Bearer $API_KEY" in answer
    assert b"Authorization: Bearer $API_KEY\r\n" in server.received
    assert CANARY.encode() not in server.raw
    assert (record.verdict, record.reason) == (Verdict.ALLOWED, reason)


async def test_a_server_that_cannot_show_who_it_is_gets_nothing(authority: trustme.CA, ca_bundle: Path) -> None:
    """Not a byte within TLS. The program is told why, and so are the records."""
    with StubServer(TLS_PORT, tls=server_context(authority.issue_cert("other.test"))) as server:
        resolver = StubResolver({HOST: server.address})
        async with open_gate(resolver, secrets=[SECRET], values={SECRET: CANARY}, ca_bundle=ca_bundle) as gate:
            program = TlsProgram(trusting(gate), HOST)
            gate.accept(HOST, TLS_PORT, program.connection)
            await program.shake_hands()
            await program.send(get("/echo", "Authorization: Bearer $API_KEY", "Connection: close"))
            assert b" 502 " in await program.read_all()
            program.program.end()
            await program.program.gate_end.closed.wait()
            [record] = gate.records()
    assert (record.verdict, record.reason) == (Verdict.DENIED, Reason.CERTIFICATE_INVALID)
    assert server.received == b""


async def test_a_program_that_is_told_of_its_tls_cannot_keep_it_off_the_record() -> None:
    """What it says after its ClientHello is no TLS; then it goes away, and nothing was intercepted."""
    with StubServer(TLS_PORT) as server:
        resolver = StubResolver({HOST: server.address})
        async with open_gate(resolver, secrets=[SECRET], values={SECRET: CANARY}) as gate:
            program = Program()
            gate.accept(HOST, TLS_PORT, program.connection)
            await program.send(real_hello(HOST))
            await program.receive()
            await program.send(get("/"))
            await program.receive()
            program.cut()
            await program.gate_end.closed.wait()
            [record] = gate.records()
    assert (record.verdict, record.reason) == (Verdict.DENIED, Reason.TLS_FAILED)


async def test_secrets_do_not_change_what_the_program_may_say_in_tls() -> None:
    """The name it asks for has to be the host's here too: the server, which is dialled by then, hears nothing."""
    with StubServer(TLS_PORT) as server:
        resolver = StubResolver({HOST: server.address})
        async with open_gate(resolver, secrets=[SECRET], values={SECRET: CANARY}) as gate:
            other = real_hello("other.test")
            assert await denied_for(gate, HOST, TLS_PORT, other, after=0.1) is Reason.SNI_MISMATCH
            assert await denied_for(gate, HOST, TLS_PORT, get("/"), after=0.1) is Reason.NOT_TLS
        assert not server.untouched
        assert server.heard_nothing
