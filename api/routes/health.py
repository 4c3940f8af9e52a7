"""Whether the service is alive, and whether it can work."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from api.dependencies import Services

router = APIRouter()


@router.get("/healthz")
async def alive() -> Response:
    """The process answers."""
    return Response('{"status":"ok"}', media_type="application/json")


@router.get("/readyz")
async def ready(runtime: Services) -> Response:
    """The engine answers too: containers can be made."""
    await runtime.check()
    return Response('{"status":"ready"}', media_type="application/json")
