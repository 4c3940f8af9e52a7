"""`/v1/containers/{container_id}/egress`."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from api.pagination import ListObject, PageQuery
from api.requests import read_query, runtime_of
from api.routing import Routes
from api.schemas.egress import EgressObject

routes = Routes("/containers/{container_id}/egress")


@routes.get("")
async def page(request: Request, owner: str, container_id: str) -> Response:
    """List what a container tried to reach, and what became of it."""
    asked = read_query(request, PageQuery)
    found = await runtime_of(request).containers.egress(owner, container_id, asked.to_page())
    return ListObject.of(found, partial(EgressObject.of, container_id)).response()
