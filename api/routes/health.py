"""Whether the service is alive, and whether it can work."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from api.requests import runtime_of
from api.routing import route


async def alive(request: Request) -> Response:
    """The process answers."""
    return Response('{"status":"ok"}', media_type="application/json")


async def ready(request: Request) -> Response:
    """The engine answers too, and has what containers are made of."""
    await runtime_of(request).check()
    return Response('{"status":"ready"}', media_type="application/json")


routes = [route("GET", "/healthz", alive), route("GET", "/readyz", ready)]
