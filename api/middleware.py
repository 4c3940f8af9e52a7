"""What happens around every request: its id, its headers, its line in the log, and the net under it."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from contextvars import ContextVar

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors
from api.streams import CutOff

log = logging.getLogger("sandlot.api")
access_log = logging.getLogger("sandlot.access")

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="-")
"""The id of the request a task works for, for everybody's log lines."""

# In the access log only, as proxies write it: the client left before it had an answer.
CLIENT_LEFT = 499

# Our own paths are shorter by far. Others come from anybody, and would fill the disk with what they please.
LOGGED_PATH = 500


def new_request_id() -> str:
    """An id for a request that has just come."""
    return f"req_{secrets.token_hex(16)}"


def openai_headers(request_id: str, milliseconds: int) -> list[tuple[bytes, bytes]]:
    """What OpenAI puts on every response."""
    return [
        (b"x-request-id", request_id.encode()),
        (b"openai-processing-ms", b"%d" % milliseconds),
        (b"openai-version", b"2020-10-01"),
    ]


class Exchange:
    """One request and its response, as far as it has come. A status of 0 means that nothing was sent."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.id = new_request_id()
        self.status = 0
        self._began = time.perf_counter()
        self._scope = scope
        self._send = send

    async def send(self, message: Message) -> None:
        """Pass a message on, with OpenAI's headers on a response's first."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *openai_headers(self.id, self.milliseconds())]
        await self._send(message)

    def milliseconds(self) -> int:
        """The time since the request came."""
        return round((time.perf_counter() - self._began) * 1000)

    @property
    def request(self) -> str:
        """What is asked for, as logs show it. The path is the raw one, up to a length: it has no line breaks."""
        return f"{self._scope['method']} {self._scope['raw_path'][:LOGGED_PATH].decode('ascii', 'backslashreplace')}"

    def line(self) -> str:
        """The exchange as the access log shows it, beside its id."""
        client = self._scope.get("client") or ("-",)
        return f'{client[0]} "{self.request}" {self.status} {self.milliseconds()}ms'


class Exchanges:
    """ASGI middleware, the outermost of ours: every response leaves with an id, crashes and all."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = Exchange(scope, send)
        REQUEST_ID.set(exchange.id)
        try:
            await self._app(scope, receive, exchange.send)
        except ClientDisconnect:
            exchange.status = CLIENT_LEFT
        except asyncio.CancelledError:  # only the server's end cancels a request, and it waits for this task
            if not exchange.status:
                await errors.shutting_down()(scope, receive, exchange.send)
        except CutOff as cut:
            log.warning("%s is cut off: %s", exchange.request, cut)
        except Exception:
            log.exception("%s failed", exchange.request)
            if not exchange.status:
                await errors.crash()(scope, receive, exchange.send)
        finally:
            access_log.info("%s", exchange.line())
