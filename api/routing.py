"""Routes: which function answers which requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.auth import authenticate

Handler = Callable[[Request], Awaitable[Response]]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Awaitable[Response]])


class Answering:
    """A function of requests as an ASGI application. Its errors are left to the middleware around all routes.

    Starlette would wrap it so that they are handled here as well, at the cost of every request.
    """

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        response = await self._handler(Request(scope, receive, send))
        await response(scope, receive, send)


class Routes(list[Route]):
    """The routes below one path of `/v1`, for requests with an API key alone.

    Their functions get the request, its owner, and by their names the ids in its path.
    """

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = f"/v1{prefix}"

    def get(self, path: str) -> Callable[[Endpoint], Endpoint]:
        """A decorator of what answers to GET."""
        return partial(self._add, "GET", path)

    def post(self, path: str) -> Callable[[Endpoint], Endpoint]:
        """A decorator of what answers to POST."""
        return partial(self._add, "POST", path)

    def delete(self, path: str) -> Callable[[Endpoint], Endpoint]:
        """A decorator of what answers to DELETE."""
        return partial(self._add, "DELETE", path)

    def _add(self, method: str, path: str, endpoint: Endpoint) -> Endpoint:
        async def handler(request: Request) -> Response:
            return await endpoint(request, await authenticate(request), **request.path_params)

        self.append(route(method, self._prefix + path, handler))
        return endpoint


def route(method: str, path: str, handler: Handler) -> Route:
    """One method at one path, for anybody."""
    made = Route(path, Answering(handler), methods=[method])
    made.methods = {method}  # without the HEAD that Starlette adds to a GET: a download would be made for it
    return made
