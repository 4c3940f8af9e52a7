"""`/v1/containers/{container_id}/egress`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from api.auth import Owner
from api.dependencies import Services, query
from api.pagination import ListObject, PageQuery
from api.schemas.egress import EgressObject

router = APIRouter(prefix="/containers/{container_id}/egress")


@router.get("")
async def page(
    owner: Owner,
    runtime: Services,
    container_id: str,
    asked: Annotated[PageQuery, Depends(query(PageQuery))],
) -> Response:
    """List what a container tried to reach, and what became of it."""
    found = await runtime.containers.egress(owner, container_id, asked.to_page())
    return ListObject.of(found, partial(EgressObject.of, container_id)).response()
