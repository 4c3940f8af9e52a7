"""Who keeps the service waiting is let go; who waits for the service isn't."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from api.connections import (
    ANSWER_SECONDS,
    BODY_SECONDS,
    CROWDED_SECONDS,
    HEAD_SECONDS,
    KEEP_ALIVE_SECONDS,
    MOST_CONNECTIONS,
    Connections,
    most_connections,
)
from api.http_protocol import HEAD_MAX_BYTES, MOST_WAITING, HttpProtocol

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
HEAD = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n"


class Wire(asyncio.Transport):
    """A client's end of a connection."""

    def __init__(self) -> None:
        super().__init__()
        self.received = b""
        self.closed = False
        self.untaken = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Receive it."""
        self.received += data

    def close(self) -> None:
        """See that the service has hung up."""
        self.closed = True

    def abort(self) -> None:
        """See that the service has hung up, and kept the rest."""
        self.closed, self.untaken = True, 0

    def get_write_buffer_size(self) -> int:
        """What wasn't taken."""
        return self.untaken

    def is_closing(self) -> bool:
        """Whether it has."""
        return self.closed

    def pause_reading(self) -> None:
        """Have to wait."""

    def resume_reading(self) -> None:
        """Go on."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Nothing is known."""
        return default

    @property
    def refusal(self) -> tuple[int, str]:
        """Status and code of the answer."""
        head, _, body = self.received.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)["error"]["code"]


class Application:
    """Reads the body of each request as far as it may, and answers when it may."""

    def __init__(self) -> None:
        self.may_read = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.saw: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        await self.may_read.wait()
        message = await receive()
        while message.get("more_body"):
            message = await receive()
        self.saw.append(message["type"])
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


class Line:
    """A connection from a client to an application, and a clock that is ahead as far as one likes."""

    def __init__(self, connections: Connections) -> None:
        self.application = Application()
        config = uvicorn.Config(self.application, log_config=None)
        config.load()
        self.protocol = HttpProtocol(config, connections, {})
        self.wire = Wire()
        self.protocol.connection_made(self.wire)

    async def send(self, data: bytes) -> None:
        """Send, and let the application do what it can."""
        self.protocol.data_received(data)
        await settle()

    def wait(self, seconds: float) -> bool:
        """Let the service look at the connection in so many seconds; tell whether it hangs up."""
        self.protocol.hang_up_if_overdue(asyncio.get_running_loop().time() + seconds)
        return self.wire.closed


Connect = Callable[..., Line]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Makes connections; at the end the clients leave."""
    lines: list[Line] = []

    def make(connections: Connections | None = None) -> Line:
        lines.append(Line(connections or Connections(100)))
        return lines[-1]

    yield make
    for line in lines:
        line.application.may_read.set()
        line.application.may_answer.set()
        line.protocol.connection_lost(None)
    await settle()


async def settle() -> None:
    """Let everybody do what they can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_silent_connection(connect: Connect) -> None:
    """It is ended without a word: whatever was said would be the answer to what it may be about to ask."""
    line = connect()
    assert not line.wait(HEAD_SECONDS - 1)
    assert line.wait(HEAD_SECONDS + 1)
    assert line.wire.received == b""


@pytest.mark.parametrize("said", [b"PO", HEAD[:10], HEAD[:-2]])
async def test_half_a_head(connect: Connect, said: bytes) -> None:
    """It is a 408. Its time is counted from the beginning, whatever comes in between."""
    line = connect()
    for byte in said:
        await line.send(bytes([byte]))
    assert not line.wait(HEAD_SECONDS - 1)
    assert line.wait(HEAD_SECONDS + 1)
    assert line.wire.refusal == (408, "head_timeout")
    assert b"\r\nconnection: close\r\n" in line.wire.received


async def test_a_head_that_comes_slowly(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then doesn't give it any more time."""
    line = connect()
    await line.send(HEAD[:10])
    later = asyncio.get_running_loop().time() + HEAD_SECONDS - 1
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: later)
    await line.send(HEAD[10:20])
    assert not line.wait(0)
    assert line.wait(2)
    assert line.wire.refusal == (408, "head_timeout")


async def test_a_body_after_a_head_that_came_slowly(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has all of its own time."""
    line = connect()
    line.application.may_read.set()
    await line.send(HEAD[:10])
    later = asyncio.get_running_loop().time() + HEAD_SECONDS - 1
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: later)
    await line.send(HEAD[10:])
    assert not line.wait(BODY_SECONDS - 1)
    assert line.wait(BODY_SECONDS + 1)


@pytest.mark.parametrize("beginning", [b"GET /", HEAD[:-2] + b"x: ", HEAD[:-2], b""])
async def test_a_head_without_an_end_in_small_pieces(connect: Connect, beginning: bytes) -> None:
    """What the parser is still waiting for the end of is counted over all pieces."""
    line = connect()
    await line.send(beginning)
    piece = b"\r\n" * 500 if beginning == b"" else b"a" * 1000
    for _ in range(HEAD_MAX_BYTES // 1000):
        await line.send(piece)
    assert not line.wire.closed
    await line.send(piece)
    assert line.wire.refusal == (431, "request_head_too_large")


LONG = b"a" * HEAD_MAX_BYTES


@pytest.mark.parametrize(
    "head",
    [
        GET.replace(b"/", b"/" + LONG, 1),
        GET.replace(b"x\r", LONG + b"\r"),
        GET.replace(b"host", LONG),
        CHUNKED + b"0\r\nx: " + LONG + b"\r\n\r\n",
        CHUNKED + b"0\r\n" + LONG + b": x\r\n\r\n",
    ],
    ids=["url", "value", "name", "value of a trailer", "name of a trailer"],
)
async def test_a_large_head_in_one_piece(connect: Connect, head: bytes) -> None:
    """It is refused though it has an end, and nothing was left to wait for."""
    line = connect()
    await line.send(head)
    assert line.wire.refusal == (431, "request_head_too_large")


async def test_half_of_a_later_head(connect: Connect) -> None:
    """On a connection that is kept its time begins with its first byte."""
    line = connect()
    line.application.may_read.set()
    line.application.may_answer.set()
    await line.send(HEAD + bytes(10))
    assert not line.wait(HEAD_SECONDS + 1)
    line.wire.received = b""
    await line.send(HEAD[:10])
    assert not line.wait(HEAD_SECONDS - 1)
    assert line.wait(HEAD_SECONDS + 1)
    assert line.wire.refusal == (408, "head_timeout")


async def test_half_a_body(connect: Connect) -> None:
    """A body that brings nothing more is a 408, and the application is told that the client is gone."""
    line = connect()
    line.application.may_read.set()
    await line.send(HEAD + b"half")
    assert not line.wait(BODY_SECONDS - 1)
    assert line.wait(BODY_SECONDS + 1)
    assert line.wire.refusal == (408, "body_timeout")
    line.protocol.connection_lost(None)
    await settle()
    assert line.application.saw == ["http.disconnect"]


async def test_a_body_that_comes_slowly(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever comes of it gives the client all of its time again."""
    line = connect()
    line.application.may_read.set()
    await line.send(HEAD + b"half")
    later = asyncio.get_running_loop().time() + BODY_SECONDS - 1
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: later)
    await line.send(b"x")
    assert not line.wait(BODY_SECONDS - 1)
    assert line.wait(BODY_SECONDS + 1)


async def test_a_body_that_the_service_is_slow_to_read(connect: Connect) -> None:
    """It isn't the client's fault, and afterwards it has all of its time."""
    line = connect()
    await line.send(HEAD.replace(b"10", b"100000") + bytes(90_000))
    assert not line.wait(BODY_SECONDS + 1)
    line.application.may_read.set()
    await settle()
    assert not line.wait(2 * BODY_SECONDS)
    assert line.wait(2 * BODY_SECONDS + 2)


async def test_a_body_that_the_service_has_not_asked_for(connect: Connect) -> None:
    """Who waits for `100 Continue` doesn't keep anybody waiting."""
    line = connect()
    await line.send(HEAD.replace(b"host", b"expect: 100-continue\r\nhost"))
    assert not line.wait(BODY_SECONDS + 1)
    line.application.may_read.set()
    await settle()
    assert line.wire.received.startswith(b"HTTP/1.1 100 ")
    assert line.wait(2 * BODY_SECONDS + 2)


async def test_a_long_call(connect: Connect) -> None:
    """Who waits for an answer may wait for as long as it takes."""
    line = connect()
    line.application.may_read.set()
    await line.send(HEAD + bytes(10))
    assert not line.wait(100_000)
    await line.send(HEAD[:10])
    assert not line.wait(100_000)


async def test_requests_that_wait(connect: Connect) -> None:
    """As many as may wait for an earlier one's answer are answered in their turn."""
    line = connect()
    line.application.may_read.set()
    await line.send(GET * (1 + MOST_WAITING))
    assert not line.wait(100_000)
    line.application.may_answer.set()
    for _ in range(MOST_WAITING):
        await settle()
    assert line.wire.received.count(b"HTTP/1.1 200 ") == 1 + MOST_WAITING


async def test_requests_one_after_another(connect: Connect) -> None:
    """What the head of one may have is not less for those before it."""
    line = connect()
    line.application.may_read.set()
    line.application.may_answer.set()
    for _ in range(3):
        await line.send(GET.replace(b"host: x", b"\r\n".join([b"x: " + b"a" * 600] * 60)))
    assert line.wire.received.count(b"HTTP/1.1 200 ") == 3


async def test_the_last_request_with_an_offer_of_another_protocol(connect: Connect) -> None:
    """It is answered, too, whatever comes behind it."""
    line = connect()
    line.application.may_read.set()
    line.application.may_answer.set()
    await line.send(HEAD.replace(b"host", b"connection: close, upgrade\r\nupgrade: h2c\r\nhost") + bytes(10) + GET)
    assert line.wire.received.count(b"HTTP/1.1 200 ") == 1
    assert line.wire.closed


LARGE = GET.replace(b"host: x", b"x: " + b"a" * (HEAD_MAX_BYTES // 2))


@pytest.mark.parametrize(
    "more", [GET * (1 + MOST_WAITING), LARGE * 2, b"garbage\r\n", b"\r\n" * 100_000, CHUNKED + b"x"]
)
async def test_nothing_is_said_in_place_of_an_answer(connect: Connect, more: bytes) -> None:
    """Where one is due, a refusal of what came afterwards would be taken for it: the connection just ends."""
    line = connect()
    line.application.may_read.set()
    await line.send(GET)
    await line.send(more)
    assert line.wire.closed
    assert line.wire.received == b""


@pytest.mark.parametrize("seconds", [0, BODY_SECONDS + 1])
async def test_nothing_is_said_within_an_answer(connect: Connect, seconds: float) -> None:
    """One may have begun before its request was whole. When that has a fault, or doesn't go on, the connection ends."""
    line = connect()
    await line.send(CHUNKED)
    line.protocol.cycle.response_started = True
    if seconds == 0:
        await line.send(b"x")
    else:
        line.application.may_read.set()
        await settle()
    assert line.wait(seconds)
    assert line.wire.received == b""


async def test_an_answer_goes_at_once(connect: Connect) -> None:
    """It is sent before anything else is done for its request."""
    line = connect()
    line.protocol.transport.write(b"an answer")
    line.protocol.on_response_complete()
    assert line.wire.received == b"an answer"


async def test_half_a_body_behind_a_long_call(connect: Connect) -> None:
    """Its time begins when it is its turn: before that, a 408 would be taken for the other's answer."""
    line = connect()
    await line.send(GET + HEAD + b"half")
    line.protocol.flow.resume_reading()  # as the application does when it waits for its client to leave
    assert not line.wait(100_000)


async def test_after_a_long_call(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time to ask for something else begins with the answer, however long that took."""
    line = connect()
    line.application.may_read.set()
    await line.send(HEAD + bytes(10))
    later = asyncio.get_running_loop().time() + 100_000
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: later)
    line.application.may_answer.set()
    await settle()
    assert line.wire.received.startswith(b"HTTP/1.1 200 ")
    assert not line.wait(KEEP_ALIVE_SECONDS - 1)
    assert line.wait(KEEP_ALIVE_SECONDS + 1)


async def test_a_long_call_after_another(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time to ask for something else has ended with the request: it doesn't go on while that is answered."""
    line = connect()
    line.application.may_read.set()
    line.application.may_answer.set()
    await line.send(GET)
    line.application.may_answer.clear()
    await line.send(GET)
    later = asyncio.get_running_loop().time() + 100_000
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: later)
    await settle()
    assert not line.wire.closed


async def test_an_answer_that_is_not_taken(connect: Connect) -> None:
    """Its connection ends when nothing more of it was taken for some minutes, and before that if it is crowded."""
    for crowded, seconds in ((False, ANSWER_SECONDS), (True, BODY_SECONDS)):
        line = connect(Connections(1 if crowded else 100))
        line.application.may_read.set()
        await line.send(GET)
        line.wire.untaken = 100_000
        line.protocol.pause_writing()
        assert not line.wait(100_000)
        assert not line.wait(100_000 + seconds - 1)
        line.wire.untaken -= 1
        assert not line.wait(100_000 + seconds + 1)
        assert not line.wait(100_000 + 2 * seconds)
        assert line.wait(100_000 + 2 * seconds + 2)
        assert line.wire.untaken == 0


async def test_last_words_that_are_not_taken(connect: Connect) -> None:
    """A connection that the service has ended doesn't stay for what its client doesn't take."""
    line = connect()
    await line.send(b"garbage\r\n")
    assert line.wire.refusal == (400, "invalid_http")
    line.wire.untaken = 100
    line.wait(0)
    line.wait(ANSWER_SECONDS - 1)
    assert line.wire.untaken == 100
    line.wait(ANSWER_SECONDS + 1)
    assert line.wire.untaken == 0


async def test_the_rest_of_a_body_that_was_answered(connect: Connect) -> None:
    """A client that never sends it is let go too."""
    line = connect()
    line.application.may_read.set()
    line.application.may_answer.set()
    await line.send(HEAD.replace(b"10", b"100000") + bytes(90_000))
    line.protocol.cycle.response_complete = True
    assert not line.wait(BODY_SECONDS)
    assert line.wait(1000)


def test_how_many_there_may_be() -> None:
    """Half of the files that may be open, as far as there is memory for their heads."""
    assert most_connections(1000) == 500
    assert most_connections(1_000_000) == MOST_CONNECTIONS


async def test_when_it_is_crowded(connect: Connect) -> None:
    """Those who have asked for nothing have to go at once; who waits for an answer, or sends a body, stays."""
    connections = Connections(4)
    silent, waiting, sending = connect(connections), connect(connections), connect(connections)
    waiting.application.may_read.set()
    await waiting.send(HEAD + bytes(10))
    await sending.send(HEAD + b"half")
    assert [line.wait(CROWDED_SECONDS + 1) for line in (silent, waiting, sending)] == [True, False, False]


async def test_when_there_is_no_room(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """Another connection is a 503 and its end; how many there were is one line in the log."""
    connections = Connections(1)
    first = connect(connections)
    others = [connect(connections) for _ in range(3)]
    await settle()
    assert [line.wire.refusal for line in others] == [(503, "too_many_connections")] * 3
    assert all(line.wire.closed for line in others)
    assert not first.wire.closed
    connections.tell_of_refused()
    connections.tell_of_refused()
    assert caplog.messages == ["3 connections were refused: there were 1 already"]
