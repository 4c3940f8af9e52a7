"""The HTTP server's protocol, with the error envelope where even the server can make nothing of a request."""

from __future__ import annotations

import asyncio
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.errors import INVALID_REQUEST, Answer, error_response
from api.gathering_transport import GatheringTransport
from api.middleware import new_request_id, openai_headers


class HttpProtocol(HttpToolsProtocol):
    """Uvicorn's protocol on httptools."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """See asyncio.Protocol."""
        super().connection_made(GatheringTransport(transport))

    def on_response_complete(self) -> None:
        """The whole response was written: now it goes, before anything else is done for the request."""
        cast(GatheringTransport, self.transport).flush()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that are not HTTP, which no middleware will ever see, and hang up."""
        response = error_response(Answer(400, INVALID_REQUEST), msg, code="invalid_http")
        headers = [
            *response.raw_headers,
            *openai_headers(new_request_id(), 0),
            (b"connection", b"close"),
        ]
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n" + lines + b"\r\n" + bytes(response.body))
        self.transport.close()
