from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from api import errors
from api.cli.logs import add_request_id
from api.middleware import REQUEST_ID, Exchanges
from api.streams import ClosingResponse
from runtime.errors import AgentMisbehaved

SCOPE = {
    "type": "http",
    "method": "GET",
    "path": "/a\n",
    "raw_path": b"/a%0A",
    "client": ("127.0.0.1", 1),
    "headers": [],
}


async def exchange(app: object, **scope: object) -> list[Message]:
    """What is sent for one request."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    await Exchanges(app)(SCOPE | scope, receive, send)  # type: ignore[arg-type]  # any ASGI application
    return sent


@pytest.mark.parametrize("path", ["/healthz", "/v1/containers", "/nowhere", "/readyz"])
async def test_headers(http: httpx.AsyncClient, path: str) -> None:
    """Every response has OpenAI's headers, whatever came of the request."""
    headers = (await http.put(path)).headers
    assert re.fullmatch("req_[0-9a-f]{32}", headers["x-request-id"])
    assert headers["openai-processing-ms"].isdecimal()
    assert headers["openai-version"] == "2020-10-01"


async def test_access_log(http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """A request leaves one line in the log: who, what, the status and the id, and no line break of the client's."""
    caplog.handler.addFilter(add_request_id)
    with caplog.at_level(logging.INFO, "sandlot.access"):
        response = await http.get("/nowhere%0Ax?key=secret")
    caplog.handler.removeFilter(add_request_id)
    (record,) = (record for record in caplog.records if record.name == "sandlot.access")
    assert re.fullmatch(r'127\.0\.0\.1 "GET /nowhere%0Ax" 404 \d+ms', record.getMessage())
    assert record.__dict__["request_id"] == response.headers["x-request-id"]


async def test_a_long_path(http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever asks for what isn't there can't make the log as long as they like."""
    with caplog.at_level(logging.INFO, "sandlot.access"):
        await http.get("/" + "x" * 60_000)
    (record,) = (record for record in caplog.records if record.name == "sandlot.access")
    assert re.fullmatch(r'127\.0\.0\.1 "GET /x{499}" 404 \d+ms', record.getMessage())


async def test_id_for_logs() -> None:
    """Everything that is done for a request knows its id."""
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(REQUEST_ID.get())
        await send({"type": "http.response.start", "status": 204, "headers": []})

    sent = await exchange(app)
    assert (b"x-request-id", seen[0].encode()) in sent[0]["headers"]


async def test_client_left(caplog: pytest.LogCaptureFixture) -> None:
    """A client that leaves is no error of ours: a line in the access log, no traceback."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ClientDisconnect

    with caplog.at_level(logging.INFO):
        assert await exchange(app) == []
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert '"GET /a%0A" 499' in caplog.text


async def test_shutdown() -> None:
    """A request that the end of the service cuts short is told so, and not to be repeated by itself."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise asyncio.CancelledError

    start, body = await exchange(app)
    assert start["status"] == 503
    assert (b"x-should-retry", b"false") in start["headers"]
    assert json.loads(body["body"])["error"]["code"] == "shutting_down"


async def test_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    """Where a sandbox fails while its bytes are sent on, the response breaks off, and the log has one line of it."""

    class Source:
        """A file that becomes shorter."""

        async def pieces(self) -> AsyncIterator[bytes]:
            """Not as many as there should be."""
            yield b"x"
            try:
                raise KeyError
            except KeyError as error:
                raise AgentMisbehaved("The sandbox refused.") from error

        async def aclose(self) -> None:
            """Nothing is held."""

    async def content(_: Request) -> Response:
        source = Source()
        return ClosingResponse(source.pieces(), source, None, {"content-length": "9"})

    app = Starlette(routes=[Route("/a", content)])
    errors.install(app)
    with caplog.at_level(logging.INFO):
        messages = await exchange(app, path="/a", asgi={"spec_version": "2.4"})
    assert [message.get("more_body") for message in messages] == [None, True]
    assert [record.getMessage() for record in caplog.records if record.levelno > logging.INFO] == [
        "GET /a%0A is cut off: The sandbox refused."
    ]
    assert not any(record.exc_info for record in caplog.records)


async def test_crash_midway(caplog: pytest.LogCaptureFixture) -> None:
    """A crash after the first byte leaves the response unfinished, so that the server cuts the connection."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("midway")

    assert [message["type"] for message in await exchange(app)] == ["http.response.start"]
    assert "midway" in caplog.text
