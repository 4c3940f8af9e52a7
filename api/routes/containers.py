"""`/v1/containers`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from api.disconnects import unless_client_leaves
from api.pagination import ListObject
from api.requests import no_query, read_body, read_query, runtime_of, settings_of
from api.routing import Routes
from api.schemas.containers import ContainerCreate, ContainerDeleted, ContainerObject, ContainersQuery

routes = Routes("/containers")


@routes.post("")
async def create(request: Request, owner: str) -> Response:
    """Create a container; it is ready to be used when this answers."""
    no_query(request)
    settings = settings_of(request)
    wanted = await read_body(request, ContainerCreate, settings.container_request_max_bytes)
    spec = wanted.to_spec(settings.expires_after_max_minutes)
    made = await unless_client_leaves(request, runtime_of(request).containers.create(owner, spec))
    return ContainerObject.of(made).response()


@routes.get("")
async def page(request: Request, owner: str) -> Response:
    """List containers."""
    asked = read_query(request, ContainersQuery)
    found = await runtime_of(request).containers.list(owner, asked.to_page(), asked.name)
    return ListObject.of(found, ContainerObject.of).response()


@routes.get("/{container_id}")
async def retrieve(request: Request, owner: str, container_id: str) -> Response:
    """Retrieve a container."""
    no_query(request)
    return ContainerObject.of(await runtime_of(request).containers.retrieve(owner, container_id)).response()


@routes.delete("/{container_id}")
async def delete(request: Request, owner: str, container_id: str) -> Response:
    """Delete a container, and all that is in it."""
    no_query(request)
    await runtime_of(request).containers.delete(owner, container_id)
    return ContainerDeleted(id=container_id).response()
