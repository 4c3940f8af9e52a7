"""Errors on the wire: OpenAI's envelope, and the one table from the runtime's errors to HTTP."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple, cast

from pydantic_core import to_json
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from runtime import errors

log = logging.getLogger(__name__)

INVALID_REQUEST = "invalid_request_error"
SERVER_ERROR = "server_error"

# Errors repeat what was sent, which may be megabytes. So much of a text is enough to recognise it.
MOST_SHOWN = 1000

# The official clients repeat 408, 409, 429 and 5xx by themselves, unless this header forbids it.
NO_RETRY = {"x-should-retry": "false"}


class Answer(NamedTuple):
    """How a class of errors looks over HTTP."""

    status: int
    type: str
    headers: Mapping[str, str] = {}


# In a lost sandbox a command may have run half: only the caller can know whether to repeat it.
ANSWERS: Mapping[type[errors.SandlotError], Answer] = {
    errors.InvalidInput: Answer(400, INVALID_REQUEST),
    errors.ContainerExpired: Answer(400, INVALID_REQUEST),
    errors.StorageFull: Answer(400, INVALID_REQUEST),
    errors.Unauthenticated: Answer(401, INVALID_REQUEST, {"www-authenticate": "Bearer"}),
    errors.QuotaExceeded: Answer(403, INVALID_REQUEST),
    errors.NotFound: Answer(404, INVALID_REQUEST),
    errors.TooLarge: Answer(413, INVALID_REQUEST),
    errors.Busy: Answer(429, "rate_limit_error"),
    errors.AgentMisbehaved: Answer(502, SERVER_ERROR, NO_RETRY),
    errors.SandboxLost: Answer(503, SERVER_ERROR, NO_RETRY),
    errors.EngineUnavailable: Answer(503, SERVER_ERROR, {"retry-after": "1"}),
    errors.EngineMisconfigured: Answer(503, SERVER_ERROR, NO_RETRY),
    errors.StorageUnavailable: Answer(503, SERVER_ERROR, {"retry-after": "1"}),
}


def answer_to(error: errors.SandlotError) -> Answer:
    """The table's line for an error's class or the nearest class above it."""
    return next((ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS), Answer(500, SERVER_ERROR))


def error_response(answer: Answer, message: str, *, param: str | None = None, code: str | None = None) -> Response:
    """An error in the envelope, always with all four keys, as a whole response."""
    error = {"message": _shown(message), "type": answer.type, "param": param and _shown(param), "code": code}
    return Response(to_json({"error": error}), answer.status, answer.headers, media_type="application/json")


def _shown(text: str) -> str:
    """The text, its middle left out if it is long: the end says what would have been right."""
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN // 2]}…{text[-MOST_SHOWN // 2 :]}"


def refusal(error: errors.SandlotError) -> Response:
    """The response for an error of the runtime's."""
    answer = answer_to(error)
    if isinstance(error, errors.Busy):
        answer = answer._replace(headers={"retry-after": str(error.retry_after)})
    return error_response(answer, told(error), param=error.param, code=error.code)


def told(error: errors.SandlotError) -> str:
    """The message for the caller. What is the operator's alone goes to the log."""
    if error.outward:
        log.error("%s", error.message)
    return error.outward or error.message


def crash() -> Response:
    """The response for a fault of our own: it tells nothing of the inside."""
    message = "The server had an error while processing your request. Its log has more under this request's id."
    return error_response(Answer(500, SERVER_ERROR), message, code="internal_error")


def shutting_down() -> Response:
    """The response to a request that the end of the service cut short."""
    message = "The server is shutting down. What the request began in a sandbox goes on there."
    return error_response(Answer(503, SERVER_ERROR, NO_RETRY), message, code="shutting_down")


async def _on_sandlot_error(request: Request, error: Exception) -> Response:
    return refusal(cast(errors.SandlotError, error))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    status = cast(HTTPException, error).status_code
    method, path = request.method, request.url.path
    if status == HTTPStatus.NOT_FOUND:
        return error_response(Answer(404, INVALID_REQUEST), f"Invalid URL ({method} {path})", code="unknown_url")
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        answer = Answer(405, INVALID_REQUEST, {"allow": ", ".join(_allowed_methods(request))})
        return error_response(answer, f"Not allowed to {method} on {path}.", code="method_not_allowed")
    return error_response(Answer(status, INVALID_REQUEST), HTTPStatus(status).phrase)


def _allowed_methods(request: Request) -> list[str]:
    """The methods that have a route at the request's path: routes with one path and two methods are two routes."""
    return [
        method
        for method in ("GET", "POST", "DELETE")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]


def install(app: Starlette) -> None:
    """Make every refusal leave in the envelope. Crashes are the middleware's business: it knows the request's id."""
    app.add_exception_handler(errors.SandlotError, _on_sandlot_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
