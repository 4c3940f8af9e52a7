"""The HTTP server's protocol, with the error envelope where even the server can make nothing of a request."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.connections import BODY_SECONDS, HEAD_SECONDS, Awaited, Connections, patience
from api.errors import INVALID_REQUEST, SERVER_ERROR, Answer, error_response
from api.gathering_transport import GatheringTransport
from api.middleware import new_request_id, openai_headers

# What a request's URL, headers and trailers may take together. Clients need some of the kilobytes, and a dozen headers.
HEAD_MAX_BYTES = 64 * 1024
HEAD_MAX_HEADERS = 100
HEAD_TOO_LARGE = f"The request's head is too large. It may have {HEAD_MAX_BYTES} bytes and {HEAD_MAX_HEADERS} headers."

# How many requests may wait for the answer to an earlier one, with heads that together are no larger than one may be.
# Few clients send any.
MOST_WAITING = 4

NOT_HTTP = Answer(400, INVALID_REQUEST)
TIME_IS_UP = Answer(408, INVALID_REQUEST)
TOO_LARGE = Answer(431, INVALID_REQUEST)
TOO_MANY_CONNECTIONS = Answer(503, SERVER_ERROR, {"retry-after": "1"})


class UnwantedError(Exception):
    """Stops the parser where nobody will read on."""


class HttpProtocol(HttpToolsProtocol):
    """Uvicorn's protocol on httptools. By itself it would take a head of any size, and wait for it for ever."""

    server_state: Connections

    _heard = 0.0
    """When the client's turn began, by the loop's clock: with the last byte that came or was taken, or the last answer.

    Not with each byte of a head, though, which has to be whole in time.
    """

    _untaken = 0
    """How many bytes of an answer the client hadn't taken at the last look."""

    _in_head = True
    """Whether a head is on its way. A new connection is for nothing else: what it owes begins with it."""

    _in_body = False
    """Whether a body is on its way."""

    _answering: RequestResponseCycle | None = None
    """The last request that was begun with. The others wait in `pipeline`; the last one that came is `cycle`."""

    _head_bytes = 0
    """Bytes of the request's head and trailers so far, and of the heads of those that wait before it."""

    _head_headers = 0
    """How many headers and trailers the request has so far."""

    _head_too_large = False
    """Whether that is why the parser was stopped."""

    _parsed = False
    """Whether a head became whole, or body came, of what the parser was given last."""

    _unparsed_bytes = 0
    """Bytes that the parser was given since then: a head, a line or trailers without an end."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """See asyncio.Protocol."""
        self._heard = self.loop.time()
        if self.server_state.full():
            self.transport = transport
            self._refuse(TOO_MANY_CONNECTIONS, "There are too many connections.", "too_many_connections")
        else:
            super().connection_made(GatheringTransport(transport))

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol. Uvicorn would tell the request that came last, which may not have begun yet."""
        if self._answering is not None:
            self.cycle = self._answering
        self.pipeline.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser. It tells of whole headers only, and keeps what it has of others, so that is counted here."""
        if not self._in_head:
            self._heard = self.loop.time()
        self._parsed = False
        self._unset_keepalive_if_required()
        try:
            self._parse(data)
        except HttpParserError:
            self._refuse_unreadable()
            return
        self._unparsed_bytes = 0 if self._parsed else self._unparsed_bytes + len(data)
        if self._unparsed_bytes > HEAD_MAX_BYTES:
            self._refuse(TOO_LARGE, HEAD_TOO_LARGE, "request_head_too_large")

    def _parse(self, data: bytes) -> None:
        """Feed the parser; where a client offers to go on in another protocol, with the offer left out.

        The parser would take all that follows, the request's body included, for something in that protocol.
        """
        while data:
            try:
                self.parser.feed_data(data)
                return
            except HttpParserUpgrade as offer:
                data = self._head_without_offer() + data[offer.args[0] :]
                self.parser = HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does

    def _head_without_offer(self) -> bytes:
        """The head that was parsed last, as if its client had offered nothing."""
        headers = [b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        first = b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        return b"".join([first, *headers, b"\r\n"])

    def hang_up_if_overdue(self, now: float) -> None:
        """End the connection if it has kept the service waiting for too long, by the loop's clock."""
        awaited = self._awaited(now)
        if awaited is None or now - self._heard <= patience(awaited, crowded=self.server_state.crowded()):
            return
        if awaited is Awaited.ANSWER:
            self.transport.abort()
        elif awaited is Awaited.BODY:
            self._refuse(TIME_IS_UP, f"No more of the request's body came for {BODY_SECONDS} seconds.", "body_timeout")
        elif awaited is Awaited.HEAD and self.headers is not None:
            self._refuse(TIME_IS_UP, f"The request's head didn't come within {HEAD_SECONDS} seconds.", "head_timeout")
        else:
            self.transport.close()  # to one who has asked nothing an answer would be to the next question

    def _awaited(self, now: float) -> Awaited | None:
        """What is waited for, if it is the client's turn."""
        held_up = self.flow.write_paused or self.transport.is_closing()
        untaken = self.transport.get_write_buffer_size()
        if untaken != self._untaken:
            self._untaken, self._heard = untaken, now
        if held_up:
            return Awaited.ANSWER
        if self._all_answered():
            return Awaited.HEAD if self._in_head else Awaited.NEXT
        if self._answering is not self.cycle:
            return None
        if self.flow.read_paused or self.cycle.waiting_for_100_continue:
            self._heard = now  # nothing can come before the service takes what is there, or asks for it
        return Awaited.BODY if self._in_body else None

    def _all_answered(self) -> bool:
        return self._answering is None or self._answering.response_complete

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_head = True
        self._head_headers = 0
        if not self.pipeline:
            self._head_bytes = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; after a body that came in chunks, a trailer: nobody looks at these, and they are no headers."""
        self._head_bytes += len(name) + len(value)
        self._head_headers += 1
        if self._head_bytes > HEAD_MAX_BYTES or self._head_headers > HEAD_MAX_HEADERS:
            self._stop_parser()
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        if self.parser.get_method() == b"CONNECT":
            raise UnwantedError
        if self.parser.should_upgrade():
            return  # it comes again, without the offer
        self._parsed = True
        self._head_bytes += len(self.url)
        if self._head_bytes > HEAD_MAX_BYTES:
            self._stop_parser()
        if len(self.pipeline) >= MOST_WAITING:
            raise UnwantedError
        self._in_head, self._in_body = False, True
        self._heard = self.loop.time()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._parsed = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self.parser.should_upgrade():
            return
        self._in_body = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The whole response was written: now it goes, before anything else is done for the request."""
        cast(GatheringTransport, self.transport).flush()
        self._heard = self.loop.time()
        super().on_response_complete()

    def _refuse_unreadable(self) -> None:
        """Answer bytes that the parser has refused."""
        if self._head_too_large:
            self._refuse(TOO_LARGE, HEAD_TOO_LARGE, "request_head_too_large")
        else:
            self._refuse(NOT_HTTP, "Invalid HTTP request received.", "invalid_http")

    def _stop_parser(self) -> None:
        self._head_too_large = True
        raise UnwantedError

    def _refuse(self, answer: Answer, message: str, code: str) -> None:
        """Answer what no middleware will ever see, and hang up.

        While another answer is due, or on its way, this one would be taken for it: then there is none.
        """
        if not self._all_answered() and not self._may_answer_for_application():
            self.transport.close()
            return
        response = error_response(answer, message, code=code)
        headers = [
            *response.raw_headers,
            *openai_headers(new_request_id(), 0),
            (b"connection", b"close"),
        ]
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        first = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n".encode()
        self.transport.write(first + lines + b"\r\n" + bytes(response.body))
        self.transport.close()

    def _may_answer_for_application(self) -> bool:
        """Whether it is the body of the request that is being answered that has no end, and no answer has begun."""
        return self._in_body and self._answering is self.cycle and not self.cycle.response_started
