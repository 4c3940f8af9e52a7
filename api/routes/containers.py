"""`/v1/containers`."""

from __future__ import annotations

from operator import attrgetter
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from api.auth import Owner
from api.dependencies import Choices, Services, body, no_query, query
from api.pagination import ListObject
from api.schemas.containers import ContainerCreate, ContainerDeleted, ContainerObject, ContainersQuery

router = APIRouter(prefix="/containers")
read_create = body(ContainerCreate, attrgetter("container_request_max_bytes"))


@router.post("", dependencies=[Depends(no_query)])
async def create(
    owner: Owner,
    runtime: Services,
    settings: Choices,
    wanted: Annotated[ContainerCreate, Depends(read_create)],
) -> Response:
    """Create a container; it is ready to be used when this answers."""
    spec = wanted.to_spec(settings.expires_after_max_minutes)
    return ContainerObject.of(await runtime.containers.create(owner, spec)).response()


@router.get("")
async def page(
    owner: Owner,
    runtime: Services,
    asked: Annotated[ContainersQuery, Depends(query(ContainersQuery))],
) -> Response:
    """List containers."""
    found = await runtime.containers.list(owner, asked.to_page(), asked.name)
    return ListObject.of(found, ContainerObject.of).response()


@router.get("/{container_id}", dependencies=[Depends(no_query)])
async def retrieve(owner: Owner, runtime: Services, container_id: str) -> Response:
    """Retrieve a container."""
    return ContainerObject.of(await runtime.containers.retrieve(owner, container_id)).response()


@router.delete("/{container_id}", dependencies=[Depends(no_query)])
async def delete(owner: Owner, runtime: Services, container_id: str) -> Response:
    """Delete a container, and all that is in it."""
    await runtime.containers.delete(owner, container_id)
    return ContainerDeleted(id=container_id).response()
