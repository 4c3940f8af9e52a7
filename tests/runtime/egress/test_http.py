from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from runtime.egress.bytes import ByteChannel, ChannelBroken
from runtime.egress.http import serve_http
from runtime.egress.http_heads import MAX_HEAD, MAX_LINES
from runtime.egress.layer import Layer
from runtime.egress.secrets import SecretSet
from runtime.network_values import Reason, SecretName
from tests.runtime.egress.socket_pairs import socket_pair
from tests.runtime.egress.talks import HOST, PORT, Peer, Talk, talking

HOST_LINE = f"Host: {HOST}\r\n".encode()
GET = b"GET / HTTP/1.1\r\n" + HOST_LINE + b"\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def asking() -> AsyncIterator[tuple[Talk, Peer]]:
    """A talk in which the server has heard a request, and its end of the connection."""
    async with talking() as talk:
        await talk.says(GET)
        server = await talk.server()
        await server.hears(b"\r\n\r\n")
        yield talk, server


async def forwarded(request: bytes, ending: bytes = b"\r\n\r\n") -> bytes:
    """What the server hears of one request that is in order."""
    async with talking() as talk:
        await talk.says(request)
        server = await talk.server()
        heard = await server.hears(ending)
        await server.says(OK)
        await talk.hears(b"ok")
        assert talk.denied == []
        return heard


async def brought_back(answer: bytes, request: bytes = GET, *, end: bool = True) -> bytes:
    """What the program hears of an answer, after which the server ends."""
    async with talking() as talk:
        await talk.says(request)
        server = await talk.server()
        await server.hears(b"\r\n\r\n")
        await server.says(answer)
        if end:
            server.leaves()
        return await talk.hears_the_end()


async def refused(request: bytes) -> tuple[int, Reason]:
    """The status that a request is answered with, and the reason on record; the server must hear nothing of it."""
    async with talking() as talk:
        await talk.says(request)
        answer = await talk.hears_the_end()
        await talk.carried
        assert talk.heard == []
        [reason] = talk.denied
        assert answer.count(b"Content-Type") == 1
        assert b"Connection: close" in answer
        return int(answer.split()[1]), reason


async def test_a_request_and_its_answer() -> None:
    """Both are written anew, and say the same."""
    async with talking() as talk:
        await talk.says(
            b"POST /a?b HTTP/1.1\r\n" + HOST_LINE + b"X-One:  1 \r\nx-one: 2\r\nContent-Length: 4\r\n\r\nbody"
        )
        server = await talk.server()
        heard = await server.hears(b"body")
        assert heard == b"POST /a?b HTTP/1.1\r\n" + HOST_LINE + b"X-One: 1\r\nx-one: 2\r\nContent-Length: 4\r\n\r\nbody"
        await server.says(b"HTTP/1.1 201 Made\r\nX-Two: 1\r\nContent-Length: 4\r\n\r\ndone")
        assert await talk.hears(b"done") == b"HTTP/1.1 201 Made\r\nX-Two: 1\r\nContent-Length: 4\r\n\r\ndone"


@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.1\r\n" + HOST_LINE + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST_LINE + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST_LINE + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST_LINE + b"Content-Length: 4\r\ncontent-length: 4\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST_LINE + b"Content-Length: 4, 4\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST_LINE + b"Content-Length: +4\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST_LINE + b"Content-Length: -4\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST_LINE + b"Content-Length: 0x4\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST_LINE + b"Content-Length:\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST_LINE + b"Content-Length : 4\r\n\r\n",
        b"POST / HTTP/1.0\r\n" + HOST_LINE + b"Transfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST_LINE + b"X: a\r\n b\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST_LINE + b"X: a\r\n\tb\r\n\r\n",
        b"GET / HTTP/1.1\r\n " + HOST_LINE + b"\r\n",
        b"GET / HTTP/1.1\n" + HOST_LINE + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HOST_LINE + b"\n",
        b"GET / HTTP/1.1\r\n" + HOST_LINE + b"X: a\nY: b\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST_LINE + b"X: a\rY: b\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST_LINE + b"X: a\0b\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST_LINE + b"X: a\x0bb\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST_LINE + b"X Y: b\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST_LINE + b": b\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST_LINE + b"X\r\n\r\n",
        b"GET  / HTTP/1.1\r\n" + HOST_LINE + b"\r\n",
        b"GET /a b HTTP/1.1\r\n" + HOST_LINE + b"\r\n",
        b"GET /\xff HTTP/1.1\r\n" + HOST_LINE + b"\r\n",
        b"GET /\r\n" + HOST_LINE + b"\r\n",
        b"GET / http/1.1\r\n" + HOST_LINE + b"\r\n",
        b"GET example HTTP/1.1\r\n" + HOST_LINE + b"\r\n",
        b"GET * HTTP/1.1\r\n" + HOST_LINE + b"\r\n",
        b"OPTIONS example HTTP/1.1\r\n" + HOST_LINE + b"\r\n",
        b"\r\n" + GET,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST_LINE + HOST_LINE + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HOST_LINE + b"host: other.test\r\n\r\n",
    ],
)
async def test_what_is_ambiguous_or_not_http_stays_here(head: bytes) -> None:
    """Requests that servers are known to read in different ways, and those that are none at all."""
    assert await refused(head + b"0\r\n\r\nGET /smuggled HTTP/1.1\r\n" + HOST_LINE + b"\r\n") == (
        400,
        Reason.BAD_REQUEST,
    )


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST / HTTP/1.1\r\n" + HOST_LINE + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\n" + HOST_LINE + b"Transfer-Encoding: xchunked\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\n" + HOST_LINE + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n", 501),
        (b"GET / HTTP/2.0\r\n" + HOST_LINE + b"\r\n", 505),
        (b"GET / HTTP/0.9\r\n" + HOST_LINE + b"\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"CONNECT %b:443 HTTP/1.1\r\n" % HOST.encode() + HOST_LINE + b"\r\n", 405),
        (b"GET / HTTP/1.1\r\n" + HOST_LINE + b"X: " + b"x" * MAX_HEAD + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * MAX_HEAD, 431),
        (b"GET / HTTP/1.1\r\n" + HOST_LINE + b"X:\r\n" * MAX_LINES + b"\r\n", 431),
    ],
)
async def test_what_is_not_done_here(head: bytes, status: int) -> None:
    """Other encodings and versions, proxying, endless heads."""
    assert await refused(head) == (status, Reason.BAD_REQUEST)


@pytest.mark.parametrize(
    "host",
    [
        b"other.test",
        b"x." + HOST.encode(),
        HOST.encode() + b".other.test",
        HOST.encode() + b"..",
        HOST.encode() + b":443",
        HOST.encode() + b":080",
        HOST.encode() + b":",
        HOST.encode() + b"@other.test",
        b"user@" + HOST.encode(),
        HOST.encode() + b", other.test",
        HOST.encode() + b"/",
        b"127.0.0.1",
        b"[::1]",
        b"",
        b"\xe0pi.example.com",
    ],
)
async def test_a_request_for_another_host_stays_here(host: bytes) -> None:
    """By its Host header, or by a whole URL as its target."""
    assert await refused(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n") == (421, Reason.HOST_MISMATCH)
    if host and host.isascii() and b" " not in host and not host.endswith(b"/"):
        for method in (b"GET", b"OPTIONS"):
            request = method + b" http://" + host + b"/ HTTP/1.1\r\n" + HOST_LINE + b"\r\n"
            assert await refused(request) == (421, Reason.HOST_MISMATCH)


@pytest.mark.parametrize("said", [b"API.Example.com", HOST.encode() + b".", f"{HOST}:{PORT}".encode()])
async def test_other_ways_to_write_the_host(said: bytes) -> None:
    """The server hears the canonical one."""
    heard = await forwarded(b"GET / HTTP/1.1\r\nHost: " + said + b"\r\n\r\n")
    assert heard == b"GET / HTTP/1.1\r\nHost: " + HOST.encode() + said[len(HOST) :].strip(b".") + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (f"http://{HOST}/a?b", b"/a?b"),
        (f"HTTP://{HOST.upper()}:{PORT}/", b"/"),
        (f"http://{HOST}", b"/"),
        (f"http://{HOST}?b", b"/?b"),
        ("//other.test/", b"//other.test/"),
    ],
)
async def test_a_target_with_the_host_loses_it(target: str, path: bytes) -> None:
    """A server would believe it rather than the Host header."""
    heard = await forwarded(f"GET {target} HTTP/1.1\r\n".encode() + HOST_LINE + b"\r\n")
    assert heard == b"GET " + path + b" HTTP/1.1\r\n" + HOST_LINE + b"\r\n"


async def test_the_whole_server_may_be_asked_for_its_options() -> None:
    """The one target that is no path."""
    assert (await forwarded(b"OPTIONS * HTTP/1.1\r\n" + HOST_LINE + b"\r\n")).startswith(b"OPTIONS * HTTP/1.1\r\n")


async def test_headers_of_the_connection_end_with_it() -> None:
    """Those that HTTP names, and those that the request does; so no server is asked to switch protocols."""
    head = (
        b"GET / HTTP/1.1\r\nConnection: X-Mine, content-length\r\nUpgrade: websocket\r\nX-Mine: 1\r\n"
        b"Connection: X-Two\r\nX-Two: 1\r\n"
        b"Keep-Alive: 5\r\nTE: trailers\r\nTrailer: X\r\nProxy-Connection: keep-alive\r\nHTTP2-Settings: x\r\n"
        b"X-Kept: 1\r\n"
    )
    assert await forwarded(head + HOST_LINE + b"\r\n") == b"GET / HTTP/1.1\r\n" + HOST_LINE + b"X-Kept: 1\r\n\r\n"


async def test_naming_a_header_of_the_connection_hides_no_body() -> None:
    """The length goes on, though the request says that it is the connection's alone."""
    request = b"POST / HTTP/1.1\r\nConnection: content-length, host\r\nContent-Length: 3\r\n" + HOST_LINE + b"\r\nabc"
    heard = await forwarded(request, b"abc")
    assert heard == b"POST / HTTP/1.1\r\n" + HOST_LINE + b"Content-Length: 3\r\n\r\nabc"


async def test_asking_for_another_protocol_hides_no_body() -> None:
    """What follows is this request's, and no other one."""
    request = (
        b"POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 18\r\n" + HOST_LINE + b"\r\n"
    )
    heard = await forwarded(request + b"GET / HTTP/1.1\r\n\r\n", b"\r\n\r\nGET / HTTP/1.1\r\n\r\n")
    assert heard == b"POST / HTTP/1.1\r\n" + HOST_LINE + b"Content-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n"


async def test_a_method_that_nobody_knows_is_the_servers_concern() -> None:
    """As long as it is one."""
    assert (await forwarded(b"MY.VERB / HTTP/1.1\r\n" + HOST_LINE + b"\r\n")).startswith(b"MY.VERB / HTTP/1.1\r\n")
    assert await refused(b"MY(VERB / HTTP/1.1\r\n" + HOST_LINE + b"\r\n") == (400, Reason.BAD_REQUEST)


async def test_chunks_are_made_anew_without_extensions_and_trailers() -> None:
    """What a server might take for something else is gone."""
    body = b"3;x=y\r\nabc\r\n0;z\r\nX-Trailer: 1\r\nContent-Length: 9\r\n\r\n"
    heard = await forwarded(
        b"POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n" + HOST_LINE + b"\r\n" + body, b"0\r\n\r\n"
    )
    assert heard == b"POST / HTTP/1.1\r\n" + HOST_LINE + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"


async def test_chunks_that_come_together_go_on_together() -> None:
    """However small they are: each one would take its time, on both ways and here."""
    head = b"POST / HTTP/1.1\r\n" + HOST_LINE + b"Transfer-Encoding: chunked\r\n\r\n"
    heard = await forwarded(head + b"1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n", b"0\r\n\r\n")
    assert heard == head + b"3\r\nabc\r\n0\r\n\r\n"


@pytest.mark.parametrize("body", [b"3\r\nabcd", b"zz\r\n", b"3\nabc\r\n", b"-1\r\n", b"3\r\nabcGET / HTTP/1.1\r\n"])
async def test_broken_chunks_never_make_a_whole_request(body: bytes) -> None:
    """The server's connection is cut off before the end of the body, and the program is told."""
    async with talking() as talk:
        await talk.says(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + HOST_LINE + b"\r\n1\r\na\r\n")
        server = await talk.server()
        await server.hears(b"1\r\na\r\n")
        await talk.says(body)
        assert b"0\r\n\r\n" not in await server.hears_the_end()
        assert (await talk.hears_the_end()).startswith(b"HTTP/1.1 400 ")
        assert talk.denied == [Reason.BAD_REQUEST]


async def test_a_body_that_is_cut_short_never_makes_a_whole_request() -> None:
    """The program ends in the middle."""
    async with talking() as talk:
        await talk.says(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n" + HOST_LINE + b"\r\nabc")
        server = await talk.server()
        await server.hears(b"abc")
        talk.program.ends()
        assert await server.hears_the_end() == b""
        assert (await talk.hears_the_end()).startswith(b"HTTP/1.1 400 ")


async def test_requests_on_a_kept_connection_are_answered_in_order() -> None:
    """Sent at once, they go to the server one by one: the next one when the last one is answered."""
    async with talking() as talk:
        await talk.says(b"".join(b"GET /%d HTTP/1.1\r\n" % number + HOST_LINE + b"\r\n" for number in range(3)))
        server = await talk.server()
        for number in range(3):
            assert await server.hears(b"\r\n\r\n") == b"GET /%d HTTP/1.1\r\n" % number + HOST_LINE + b"\r\n"
            await server.says(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % number)
            assert (await talk.hears(b"%d" % number)).startswith(b"HTTP/1.1 200 OK")
        assert len(talk.heard) == 1


async def test_a_request_may_follow_at_once_on_chunks() -> None:
    """It isn't taken for a part of them, nor lost with them."""
    chunked = b"POST / HTTP/1.1\r\n" + HOST_LINE + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
    async with talking() as talk:
        await talk.says(chunked + GET)
        server = await talk.server()
        assert await server.hears(b"0\r\n\r\n") == chunked
        await server.says(OK)
        assert await server.hears(b"\r\n\r\n") == GET


async def test_what_is_said_again_in_headers_goes_on_again() -> None:
    """With the target and the body of each request, and no longer than it is said."""
    one = HOST_LINE + b"X: 1\r\nContent-Length: 3\r\n\r\n"
    other = HOST_LINE + b"X: 2\r\nContent-Length: 3\r\n\r\n"
    chunked = HOST_LINE + b"Transfer-Encoding: chunked\r\n\r\n"
    requests = [
        *(b"POST /%d HTTP/1.1\r\n" % number + one + b"ab%d" % number for number in range(2)),
        b"PUT / HTTP/1.1\r\n" + one + b"abc",
        b"PUT / HTTP/1.1\r\n" + other + b"abc",
        *(b"POST / HTTP/1.1\r\n" + chunked + b"1\r\n%d\r\n0\r\n\r\n" % number for number in range(2)),
        *(b"GET /%d HTTP/1.1\r\n" % number + HOST_LINE + b"\r\n" for number in range(2)),
    ]
    async with talking() as talk:
        for request in requests:
            await talk.says(request)
            if request is requests[0]:
                server = await talk.server()
            assert await server.hears(request[-4:]) == request
            await server.says(OK)
            await talk.hears(b"ok")
        await talk.says(b"GET / HTTP/1.0\r\n" + HOST_LINE + b"\r\n")
        assert b"Connection: close\r\n" in await server.hears(b"\r\n\r\n")


@pytest.mark.parametrize("apart", [True, False])
async def test_a_second_request_to_another_host_stays_here(apart: bool) -> None:
    """Though the first one was in order; also when both were sent at once."""
    second = b"GET /second HTTP/1.1\r\nHost: other.test\r\n\r\n"
    async with talking() as talk:
        await talk.says(GET if apart else GET + second)
        server = await talk.server()
        await server.hears(b"\r\n\r\n")
        await server.says(OK)
        if apart:
            assert await talk.hears(b"ok") == OK
            await talk.says(second)
        assert (await talk.hears_the_end()).removeprefix(OK).startswith(b"HTTP/1.1 421 ")
        await server.hears_the_end()
        assert b"second" not in talk.server_heard
        assert talk.denied == [Reason.HOST_MISMATCH]


async def test_a_head_may_have_many_lines() -> None:
    """Far more than any program says."""
    request = b"GET / HTTP/1.1\r\n" + HOST_LINE + b"X: 1\r\n" * 400 + b"\r\n"
    assert await forwarded(request) == request


async def test_a_refusal_says_why() -> None:
    """To people: they read it in the program's output."""
    async with talking() as talk:
        await talk.says(b"GET / HTTP/1.1\r\nHost: other.test\r\n\r\n")
        answer = await talk.hears_the_end()
    text = f"This connection leads to port {PORT} of {HOST}.\n"
    assert answer.decode() == (
        "HTTP/1.1 421 Misdirected Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}"
    )


async def test_a_program_may_wait_for_leave_to_send_a_body() -> None:
    """The server's leave is passed on, then the body."""
    async with talking() as talk:
        head = b"PUT / HTTP/1.1\r\n" + HOST_LINE + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        await talk.says(head)
        server = await talk.server()
        assert await server.hears(b"\r\n\r\n") == head
        await server.says(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await talk.hears(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await talk.says(b"abc")
        await server.hears(b"abc")
        await server.says(OK)
        await talk.hears(b"ok")


async def test_a_program_that_gets_no_leave_sends_no_body() -> None:
    """The connection ends then: what comes next on it would be ambiguous."""
    async with talking() as talk:
        await talk.says(b"PUT / HTTP/1.1\r\n" + HOST_LINE + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        server = await talk.server()
        await server.hears(b"\r\n\r\n")
        await server.says(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")
        assert (await talk.hears_the_end()).startswith(b"HTTP/1.1 417 No\r\n")
        assert await server.hears_the_end() == b""


async def test_an_answer_may_come_before_the_whole_request() -> None:
    """Such as that it is too large; it gets through while the body still does."""
    async with talking() as talk:
        await talk.says(b"PUT / HTTP/1.1\r\n" + HOST_LINE + b"Content-Length: 100\r\n\r\nabc")
        server = await talk.server()
        await server.hears(b"abc")
        await server.says(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        assert (await talk.hears_the_end()).startswith(b"HTTP/1.1 413 ")


async def test_both_ways_at_once() -> None:
    """An answer that goes on while the request does."""
    async with talking() as talk:
        await talk.says(b"POST / HTTP/1.1\r\n" + HOST_LINE + b"Transfer-Encoding: chunked\r\n\r\n")
        server = await talk.server()
        await server.hears(b"\r\n\r\n")
        await server.says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        await talk.hears(b"\r\n\r\n")
        for number in range(5):
            chunk = b"1\r\n%d\r\n" % number
            await talk.says(chunk)
            assert await server.hears(chunk) == chunk
            await server.says(chunk)
            assert await talk.hears(chunk) == chunk


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: 1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        ),
        (
            b"HTTP/1.1 200 OK\r\n\r\nok",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        ),
        (
            b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        ),
        (
            b"HTTP/1.1 200\nContent-Length: 2\nX: \t1 \t\n\nok",
            b"HTTP/1.1 200 \r\nX: 1\r\nContent-Length: 2\r\n\r\nok",
        ),
        (
            b"HTTP/1.1 204 None\r\nContent-Length: 2\r\n\r\n",
            b"HTTP/1.1 204 None\r\n\r\n",
        ),
        (
            b"HTTP/1.1 304 Same\r\nContent-Length: 2\r\nETag: x\r\n\r\n",
            b"HTTP/1.1 304 Same\r\nETag: x\r\nContent-Length: 2\r\n\r\n",
        ),
        (
            b"HTTP/1.1 304 Same\r\nETag: x\r\n\r\n",
            b"HTTP/1.1 304 Same\r\nETag: x\r\n\r\n",
        ),
        (
            b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK,
            b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK,
        ),
        (
            b"HTTP/1.1 200 OK\r\nConnection: x-mine, close\r\nX-Mine: 1\r\nContent-Length: 2\r\n\r\nok",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
        ),
    ],
)
async def test_answers_are_written_anew(answer: bytes, expected: bytes) -> None:
    """In all ways to say where they end."""
    assert await brought_back(answer) == expected


async def test_the_answer_to_head_has_a_length_and_no_body() -> None:
    """And the connection goes on."""
    head = b"HEAD / HTTP/1.1\r\n" + HOST_LINE + b"\r\n"
    async with talking() as talk:
        await talk.says(head + GET)
        server = await talk.server()
        assert await server.hears(b"\r\n\r\n") == head
        await server.says(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        assert await server.hears(b"\r\n\r\n") == GET
        await server.says(OK)
        assert await talk.hears(b"ok") == b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + OK


async def test_an_old_program_is_answered_in_its_way() -> None:
    """HTTP/1.0: no chunks, nothing before the answer, and an end."""
    old = b"GET / HTTP/1.0\r\n" + HOST_LINE + b"Connection: keep-alive\r\n\r\n"
    answer = b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    assert await brought_back(answer, old, end=False) == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok"
    assert await forwarded(old) == b"GET / HTTP/1.1\r\n" + HOST_LINE + b"Connection: close\r\n\r\n"


async def test_a_program_that_wants_no_more_gets_no_more() -> None:
    """The server is told, and the connection ends after the answer."""
    async with talking() as talk:
        await talk.says(b"GET / HTTP/1.1\r\nConnection: close\r\n" + HOST_LINE + b"\r\n")
        server = await talk.server()
        assert b"Connection: close\r\n" in await server.hears(b"\r\n\r\n")
        await server.says(OK)
        assert b"Connection: close\r\n" in await talk.hears_the_end()


async def test_one_that_ends_its_side_still_gets_its_answer() -> None:
    """As `nc` does, and some clients."""
    async with talking() as talk:
        await talk.says(GET)
        talk.program.ends()
        server = await talk.server()
        await server.hears(b"\r\n\r\n")
        await server.says(OK)
        assert (await talk.program.hears_all()) == OK


async def test_a_second_answer_to_one_request_is_lost() -> None:
    """Response splitting: what comes unasked answers nothing, and the connection isn't used again."""
    async with talking() as talk:
        await talk.says(GET + b"GET /second HTTP/1.1\r\n" + HOST_LINE + b"\r\n")
        server = await talk.server()
        await server.hears(b"\r\n\r\n")
        await server.says(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        assert await talk.hears_the_end() == OK
        assert b"second" not in await server.hears_the_end()


@pytest.mark.parametrize("unasked", [b"", b"HTTP/1.1 408 Too late\r\nContent-Length: 0\r\n\r\n"])
async def test_a_server_that_ends_between_requests_ends_the_connection(unasked: bytes) -> None:
    """The program sees what it would see without anybody in between."""
    async with asking() as (talk, server):
        await server.says(OK)
        await talk.hears(b"ok")
        await asyncio.sleep(0.01)
        await server.says(unasked)
        server.leaves()
        assert await talk.hears_the_end() == b""
        await talk.carried


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"hello\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX y: z\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/1.1 099 Early\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * MAX_HEAD + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X:\r\n" * MAX_LINES + b"\r\n",
    ],
)
async def test_an_answer_that_is_none(answer: bytes) -> None:
    """The program is told so."""
    assert (await brought_back(answer)).startswith(b"HTTP/1.1 502 ")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n",
    ],
)
async def test_an_answer_that_is_cut_short_does_not_look_whole(answer: bytes) -> None:
    """The gate resets the program's connection then."""
    async with asking() as (talk, server):
        await server.says(answer)
        server.leaves()
        with pytest.raises(ChannelBroken):
            await talk.carried


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"])
async def test_an_answer_that_is_cut_off_does_not_look_whole(head: bytes) -> None:
    """Not even one that would last until the end of the connection: a reset is none."""
    async with asking() as (talk, server):
        await server.says(head + b"ok")
        await talk.hears(b"ok" if b"Length" in head else b"ok\r\n")
        server.resets()
        with pytest.raises(ChannelBroken):
            await talk.carried


async def test_events_come_as_they_are_sent() -> None:
    """Nothing waits for more."""
    async with asking() as (talk, server):
        await server.says(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        await talk.hears(b"\r\n\r\n")
        for number in range(5):
            await server.says(b"data: %d\n\n" % number)
            await talk.hears(b"data: %d\n\n\r\n" % number)


async def test_a_program_that_leaves_takes_the_connection_with_it() -> None:
    """The server's ends too."""
    async with asking() as (talk, server):
        await server.says(OK)
        await talk.hears(b"ok")
        talk.program.ends()
        await server.hears_the_end()
        await talk.carried


async def taken(send: Callable[[bytes], Awaitable[None]]) -> int:
    """How many bytes can be sent until one has to wait, of 256 MiB."""
    piece = b"x" * 2**20
    size = 0
    with suppress(TimeoutError):
        while size < 256 * len(piece):
            await asyncio.wait_for(send(piece), 1)
            size += len(piece)
    return size


async def test_a_program_that_does_not_read_makes_its_server_wait() -> None:
    """Little of an answer is held; the rest stays with the server."""
    async with asking() as (_, server):
        await server.says(b"HTTP/1.1 200 OK\r\n\r\n")
        assert await taken(server.says) < 64 * 2**20


class Weighed(Layer):
    """Counts what is written."""

    size = 0

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self.size += len(data)
        super().write(data)


async def test_what_is_hidden_waits_for_a_program_that_does_not_read() -> None:
    """A piece of an answer becomes 257 times as large by long placeholders: not before there is room for it."""
    secrets = SecretSet(HOST, {SecretName(HOST, "N" * 256): "s"})
    async with socket_pair() as program, socket_pair() as server:

        async def dial() -> ByteChannel:
            return server.channel

        to_program = Weighed(program.channel)
        carried = asyncio.create_task(serve_http(to_program, HOST, PORT, dial, secrets, lambda _: None))
        await program.says(GET)
        await server.hears(10)
        answering = asyncio.create_task(server.says(b"HTTP/1.1 200 OK\r\n\r\n" + b"s" * 2**22))
        size = -1
        while size < to_program.size:
            size = to_program.size
            await asyncio.sleep(0.3)
        answering.cancel()
        carried.cancel()
        await asyncio.wait([answering, carried])
    assert 257 * 1024 < size < 2**24


async def test_a_server_that_does_not_read_makes_its_program_wait() -> None:
    """The same the other way."""
    async with talking() as talk:
        await talk.says(b"PUT / HTTP/1.1\r\n" + HOST_LINE + b"Content-Length: %d\r\n\r\n" % 2**40)
        await talk.server()
        assert await taken(talk.says) < 64 * 2**20
