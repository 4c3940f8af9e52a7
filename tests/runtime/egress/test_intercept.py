from __future__ import annotations

import asyncio
import base64
import gzip
import logging
import re
import ssl
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from runtime.egress.config import TLS_PORT
from runtime.egress.denial import Denied
from runtime.network_values import Reason, SecretName
from tests.runtime.egress.interceptions import CANARY, HOST, SECRET, Interception, body_of, request
from tests.runtime.egress.memory_connections import ConnectionReset
from tests.runtime.egress.stub_http import serve_http
from tests.runtime.egress.stub_servers import StubServer, new_address
from tests.runtime.egress.stub_streams import Accepted, server_context


@pytest.fixture
def server(authority: trustme.CA) -> Iterator[StubServer]:
    """A server that is what it says."""
    with StubServer(TLS_PORT, tls=server_context(authority.issue_cert(HOST))) as running:
        yield running


def answering(authority: trustme.CA, *pieces: bytes) -> StubServer:
    """A server that answers one request by these pieces, each sent by itself."""

    def serve(stream: Accepted) -> None:
        heard = b""
        while not heard.endswith(b"\r\n\r\n"):
            heard += stream.read_some()
        for piece in pieces:
            stream.write(piece)
        stream.end()

    return StubServer(TLS_PORT, serve, tls=server_context(authority.issue_cert(HOST)))


async def test_a_value_reaches_its_server_in_headers_alone(server: StubServer, trusting: ssl.SSLContext) -> None:
    """In a header and inside Basic credentials; in URL and body there is the placeholder."""
    basic = "Basic " + base64.b64encode(b"user:$API_KEY").decode()
    async with Interception(server.address, trusting) as interception:
        answer = await interception.asks(
            request("/?k=$API_KEY", "X-Key: $API_KEY", f"Authorization: {basic}", body=b"b=$API_KEY")
        )
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"POST /?k=$API_KEY HTTP/1.1\r\n" in server.received
    assert b"\r\nX-Key: " + CANARY.encode() + b"\r\n" in server.received
    assert server.received.count(b"Host: ") == 1
    assert b"Basic " + base64.b64encode(f"user:{CANARY}".encode()) in server.received
    assert server.received.endswith(b"\r\n\r\nb=$API_KEY")
    assert server.received.count(CANARY.encode()) == 1


async def test_towards_another_host_the_placeholder_stays(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    """Though it has a secret of its own, and by the same name."""
    other = SecretName("other.example.com", "API_KEY")
    with StubServer(TLS_PORT, tls=server_context(authority.issue_cert(other.domain))) as server:
        values = {SECRET: CANARY, other: "another", SecretName(HOST, "MINE"): CANARY}
        async with Interception(server.address, trusting, values, host=other.domain) as interception:
            program = await interception.connect(other.domain).shake_hands()
            await program.send(request("/", "X: $API_KEY", "Y: $MINE", host=other.domain))
            await program.read_all()
    assert b"\r\nX: another\r\nY: $MINE\r\n" in server.received
    assert CANARY.encode() not in server.received


@pytest.mark.parametrize("name", ["other.example.com", f"x.{HOST}", "example.com"])
async def test_when_tls_is_meant_for_another_host_nothing_is_sent(
    server: StubServer, trusting: ssl.SSLContext, name: str
) -> None:
    """The program gets no certificate, for its name differs from that of its connection."""
    async with Interception(server.address, trusting) as interception:
        with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
            await (program := interception.connect(name)).shake_hands()
        program.program.end()
        with pytest.raises(Denied) as denied:
            await interception.carried[0]
    assert denied.value.reason is Reason.TLS_FAILED
    assert server.received == b""


@pytest.mark.parametrize("host", ["other.example.com", f"{HOST}:80", f"{HOST}.other.test"])
async def test_when_the_request_is_meant_for_another_host_nothing_is_sent(
    server: StubServer, trusting: ssl.SSLContext, host: str
) -> None:
    """By its Host header; the names in TLS and of the connection agree."""
    async with Interception(server.address, trusting) as interception:
        answer = await interception.asks(request("/", "X: $API_KEY", host=host))
        assert interception.denied == [Reason.HOST_MISMATCH]
    assert answer.startswith(b"HTTP/1.1 421 ")
    assert server.received == b""


async def test_a_session_that_is_resumed_is_for_the_same_host(server: StubServer, trusting: ssl.SSLContext) -> None:
    """Its secrets are put in as before; with another name it is refused as before, whatever was agreed on once."""
    async with Interception(server.address, trusting) as interception:
        first = await interception.connect().shake_hands()
        await first.send(request("/", "X: $API_KEY"))
        await first.read_all()
        again = await interception.connect(session=first.tls.session).shake_hands()
        assert again.tls.session_reused
        await again.send(request("/", "X: $API_KEY"))
        assert body_of(await again.read_all()) == b"hello\n"
        with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
            await interception.connect(f"x.{HOST}", session=first.tls.session).shake_hands()
    assert server.received.count(f"X: {CANARY}\r\n".encode()) == 2
    assert server.received.count(b"X: ") == 2


def expired(authority: trustme.CA) -> trustme.LeafCert:
    """Of yesterday."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    return authority.issue_cert(HOST, not_before=yesterday - timedelta(days=1), not_after=yesterday)


BAD: dict[str, Callable[[trustme.CA], trustme.LeafCert]] = {
    "expired": expired,
    "of another name": lambda authority: authority.issue_cert("other.example.com"),
    "of a name below": lambda authority: authority.issue_cert(f"x.{HOST}"),
    "of an unknown authority": lambda _: trustme.CA().issue_cert(HOST),
}


@pytest.mark.parametrize("certificate", BAD.values(), ids=BAD)
async def test_a_server_with_a_bad_certificate_hears_nothing(
    authority: trustme.CA, trusting: ssl.SSLContext, certificate: Callable[[trustme.CA], trustme.LeafCert]
) -> None:
    """Not a byte of the request. The program is told why."""
    with StubServer(TLS_PORT, tls=server_context(certificate(authority))) as server:
        async with Interception(server.address, trusting) as interception:
            answer = await interception.asks(request("/", "X: $API_KEY", body=b"x" * 100_000))
            with pytest.raises(Denied) as denied:
                await interception.carried[0]
    assert denied.value.reason is Reason.CERTIFICATE_INVALID
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert answer.endswith(b"certificate_invalid.\n")
    assert server.received == b""


async def test_a_server_without_tls_hears_nothing(trusting: ssl.SSLContext) -> None:
    """Only that somebody wants to speak TLS."""
    with StubServer(TLS_PORT, serve_http) as server:
        async with Interception(server.address, trusting) as interception:
            assert b" 502 " in await interception.asks(request("/", "X-Marked: $API_KEY"))
            with pytest.raises(Denied) as denied:
                await interception.carried[0]
    assert denied.value.reason is Reason.CONNECT_FAILED
    assert b"X-Marked" not in server.raw
    assert CANARY.encode() not in server.raw


async def test_both_sides_speak_the_newest_tls(server: StubServer, trusting: ssl.SSLContext) -> None:
    """And HTTP/1.1, whatever else they could."""
    async with Interception(server.address, trusting) as interception:
        program = await interception.connect().shake_hands()
        await program.send(request("/"))
        await program.read_all()
    assert program.tls.version() == "TLSv1.3"
    assert program.tls.selected_alpn_protocol() in (None, "http/1.1")
    assert server.connections[0].alpn == "http/1.1"
    assert server.connections[0].server_name == HOST


async def test_an_echo_is_scrubbed_in_head_and_body(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    """In names and values of headers, in the status line, and in the credentials as they were encoded."""
    canary, encoded = CANARY.encode(), base64.b64encode(f"u:{CANARY}".encode())
    answer = b"HTTP/1.1 200 %b\r\nX-%b: a %b b\r\nContent-Length: %d\r\n\r\n%b %b"
    whole = answer % (canary, canary, canary, len(canary) + 1 + len(encoded), canary, encoded)
    with answering(authority, whole) as server:
        async with Interception(server.address, trusting) as interception:
            placeholder = base64.b64encode(b"u:$API_KEY")
            heard = await interception.asks(request("/", "Authorization: Basic " + placeholder.decode()))
    assert b"200 $API_KEY\r\nX-$API_KEY: a $API_KEY b\r\n" in heard
    assert body_of(heard) == b"$API_KEY " + placeholder
    assert b"Content-Length" not in heard


async def test_an_echo_is_scrubbed_across_a_header(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    """A value may look like one."""
    value = "user: canary-in-two-parts"
    with answering(authority, f"HTTP/1.1 200 OK\r\n{value}\r\nConnection: close\r\n\r\n".encode()) as server:
        async with Interception(server.address, trusting, {SECRET: value}) as interception:
            heard = await interception.asks(request("/"))
    assert b"\r\n$API_KEY\r\n" in heard
    assert b"canary" not in heard


@pytest.mark.parametrize("size", range(1, len(CANARY) + 2))
@pytest.mark.parametrize("chunked", [True, False])
async def test_an_echo_is_scrubbed_across_the_borders_of_pieces(
    authority: trustme.CA, trusting: ssl.SSLContext, size: int, chunked: bool
) -> None:
    """Whether these are HTTP's chunks or just how it comes."""
    body = f"before {CANARY}{CANARY} after {CANARY[:-1]}".encode()
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    if chunked:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer = [head, *(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces), b"0\r\n\r\n"]
    else:
        answer = [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body), *pieces]
    with answering(authority, *answer) as server:
        async with Interception(server.address, trusting) as interception:
            heard = await interception.asks(request("/"))
    assert body_of(heard) == body.replace(CANARY.encode(), b"$API_KEY")


async def test_the_server_is_asked_for_what_can_be_scrubbed(server: StubServer, trusting: ssl.SSLContext) -> None:
    """Nothing compressed, whatever the program says."""
    async with Interception(server.address, trusting) as interception:
        await interception.asks(request("/", "Accept-Encoding: gzip", "accept-encoding: br"))
    assert server.received.lower().count(b"accept-encoding") == 1
    assert b"Accept-Encoding: identity\r\n" in server.received


async def test_what_is_compressed_nevertheless_stays_whole(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    """It is looked through like anything else, so it comes in chunks."""
    body = gzip.compress(b"hello")
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    with answering(authority, head + body) as server:
        async with Interception(server.address, trusting) as interception:
            heard = await interception.asks(request("/"))
    assert gzip.decompress(body_of(heard)) == b"hello"


@pytest.mark.parametrize("coding", ["gzip", "identity, identity", "utf-8", "aws-chunked", "", "x-whatever"])
async def test_a_body_is_scrubbed_whatever_it_says_it_is(
    authority: trustme.CA, trusting: ssl.SSLContext, coding: str
) -> None:
    """Programs may choose what some servers say."""
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nConnection: close\r\n\r\n" % coding.encode()
    with answering(authority, head + CANARY.encode()) as server:
        async with Interception(server.address, trusting) as interception:
            assert body_of(await interception.asks(request("/"))) == b"$API_KEY"


async def test_credentials_are_there_once(server: StubServer, trusting: ssl.SSLContext) -> None:
    """HTTP has them so, and hundreds would each be looked for in the answer."""
    async with Interception(server.address, trusting) as interception:
        twice = request("/", "Authorization: Basic YQ==", "authorization: Basic Yg==")
        assert (await interception.asks(twice)).startswith(b"HTTP/1.1 400 ")
    assert server.received == b""


@pytest.mark.parametrize("path", ["/bytes/5000000", "/chunked/5000000"])
async def test_large_answers_come_whole(server: StubServer, trusting: ssl.SSLContext, path: str) -> None:
    """Far more than waits anywhere on the way."""
    async with Interception(server.address, trusting) as interception:
        assert body_of(await interception.asks(request(path))) == b"x" * 5_000_000


async def test_large_requests_go_whole(server: StubServer, trusting: ssl.SSLContext) -> None:
    """And come back as an echo."""
    body = bytes(range(256)) * 10_000
    async with Interception(server.address, trusting) as interception:
        assert body_of(await interception.asks(request("/echo", body=body))).endswith(body)


async def test_two_sandboxes_with_two_values_for_one_host(server: StubServer, trusting: ssl.SSLContext) -> None:
    """1,000 requests at the same time, on several connections each: no value ever takes the other's place."""
    values = [f"canary-{number}-{'x' * number * 20}" for number in range(2)]
    sandboxes = [Interception(server.address, trusting, {SECRET: value}) for value in values]

    async def ask(number: int, connection: int) -> None:
        program = await sandboxes[number].connect().shake_hands()
        for count in range(100):
            mark = f"{number}.{connection}.{count}"
            await program.send(request("/echo", "X: $API_KEY", f"Mark: {mark}", last=False))
            answer = b""
            while not answer.endswith(b"0\r\n\r\n"):
                answer += await program.receive()
            assert f"Mark: {mark}\n".encode() in answer
            assert b"X: $API_KEY\n" in answer

    async with sandboxes[0], sandboxes[1]:
        await asyncio.gather(*(ask(number, connection) for number in range(2) for connection in range(5)))
    seen = re.findall(rb"X: (\S+)\r\nMark: (\d)\.", server.received)
    assert len(seen) == 1000
    assert all(value == values[int(number)].encode() for value, number in seen)


async def test_one_sandboxs_authority_is_nothing_to_another(server: StubServer, trusting: ssl.SSLContext) -> None:
    """Programs trust their own alone."""
    async with Interception(server.address, trusting) as one, Interception(server.address, trusting) as other:
        one._programs_trust = other._programs_trust
        with pytest.raises(ssl.SSLCertVerificationError):
            await one.connect().shake_hands()


async def test_values_are_in_no_log_and_no_traceback(
    authority: trustme.CA, trusting: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever goes wrong while they are at hand: answers that are none and echo them, values that can't be sent."""
    caplog.set_level(logging.DEBUG)
    traces = []
    for answer in [f"HTTP/1.1 {CANARY}\r\n\r\n", f"HTTP/1.1 200 OK\r\n{CANARY}\r\n\r\n", f"{CANARY}", ""]:
        with answering(authority, answer.encode()) as server:
            async with Interception(server.address, trusting, {SECRET: CANARY}) as interception:
                heard = await interception.asks(request("/", "X: $API_KEY"))
                assert heard.startswith(b"HTTP/1.1 502 ")
                traces.append(repr(heard) + repr(interception.carried))
    with answering(authority) as server:
        async with Interception(server.address, trusting, {SECRET: f"{CANARY}\n"}) as interception:
            assert (await interception.asks(request("/", "X: $API_KEY"))).startswith(b"HTTP/1.1 431 ")
        assert server.received == b""
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + CANARY.encode()
    with answering(authority, cut) as server:
        async with Interception(server.address, trusting) as interception:
            with suppress(ConnectionReset):
                await interception.asks(request("/", "X: $API_KEY"))
            try:
                await interception.carried[0]
            except Exception:  # noqa: BLE001 - whichever it is
                traces.append(traceback.format_exc())
    assert len(traces) == 5
    assert "canary" not in "".join(traces) + caplog.text


async def test_a_program_that_gives_up_its_handshake_leaves_nothing_behind(
    server: StubServer, trusting: ssl.SSLContext
) -> None:
    """It just goes away."""
    async with Interception(server.address, trusting) as interception:
        program = interception.connect()
        program.program.end()
        with suppress(ConnectionReset, ssl.SSLError):
            await program.shake_hands()
        with pytest.raises(Denied) as denied:
            await interception.carried[0]
    assert denied.value.reason is Reason.TLS_FAILED
    assert server.received == b""


async def test_a_server_that_is_not_there(trusting: ssl.SSLContext) -> None:
    """The program's TLS works, so that it can be told."""

    class Nowhere(Interception):
        async def _dial(self) -> None:  # type: ignore[override]
            raise Denied(Reason.NAME_NOT_FOUND)

    async with Nowhere(new_address(), trusting) as interception:
        assert (await interception.asks(request("/"))).endswith(b"name_not_found.\n")
        with pytest.raises(Denied):
            await interception.carried[0]


async def test_a_connection_that_is_kept_serves_many_requests(server: StubServer, trusting: ssl.SSLContext) -> None:
    """One connection to the server, too."""
    async with Interception(server.address, trusting) as interception:
        program = await interception.connect().shake_hands()
        for _ in range(20):
            await program.send(request("/", last=False))
            answer = b""
            while not answer.endswith(b"0\r\n\r\n"):
                answer += await program.receive()
            assert body_of(answer) == b"hello\n"
    assert len(server.connections) == 1
