"""The HTTP server's protocol, with the error envelope where even the server can make nothing of a request."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.errors import INVALID_REQUEST, Answer, error_response
from api.gathering_transport import GatheringTransport
from api.middleware import new_request_id, openai_headers

# What a request's URL, headers and trailers may take together. Clients need some of the kilobytes, and a dozen headers.
HEAD_MAX_BYTES = 64 * 1024
HEAD_MAX_HEADERS = 100
HEAD_TOO_LARGE = f"The request's head is too large. It may have {HEAD_MAX_BYTES} bytes and {HEAD_MAX_HEADERS} headers."


class HeadTooLargeError(Exception):
    """Stops the parser in the middle of a head that nobody will read."""


class HttpProtocol(HttpToolsProtocol):
    """Uvicorn's protocol on httptools. By itself it would take a head of any size, and keep all of it."""

    _head_bytes = 0
    """Bytes of the request's URL, headers and trailers so far."""

    _head_too_large = False
    """Whether that is why the parser was stopped."""

    _parsed = False
    """Whether the parser made something of what it was given last."""

    _unparsed_bytes = 0
    """Bytes that the parser was given, and keeps, since it made something of any: a line without an end."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """See asyncio.Protocol."""
        super().connection_made(GatheringTransport(transport))

    def data_received(self, data: bytes) -> None:
        """Feed the parser. It tells of whole headers only, so what it keeps until then is counted here."""
        self._parsed = False
        super().data_received(data)
        self._unparsed_bytes = 0 if self._parsed else self._unparsed_bytes + len(data)
        if self._unparsed_bytes > HEAD_MAX_BYTES and not self.transport.is_closing():
            self._refuse(431, HEAD_TOO_LARGE, "request_head_too_large")

    def on_message_begin(self) -> None:
        """A request begins."""
        self._head_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A piece of the URL."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; after a body that came in chunks, a trailer."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._parsed = True
        super().on_body(body)

    def on_response_complete(self) -> None:
        """The whole response was written: now it goes, before anything else is done for the request."""
        cast(GatheringTransport, self.transport).flush()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that the parser has refused."""
        if self._head_too_large:
            self._refuse(431, HEAD_TOO_LARGE, "request_head_too_large")
        else:
            self._refuse(400, msg, "invalid_http")

    def _count(self, length: int) -> None:
        self._parsed = True
        self._head_bytes += length
        if self._head_bytes > HEAD_MAX_BYTES or len(self.headers) >= HEAD_MAX_HEADERS:
            self._head_too_large = True
            raise HeadTooLargeError

    def _refuse(self, status: int, message: str, code: str) -> None:
        """Answer what no middleware will ever see, and hang up."""
        response = error_response(Answer(status, INVALID_REQUEST), message, code=code)
        headers = [
            *response.raw_headers,
            *openai_headers(new_request_id(), 0),
            (b"connection", b"close"),
        ]
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        first = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
        self.transport.write(first + lines + b"\r\n" + bytes(response.body))
        self.transport.close()
