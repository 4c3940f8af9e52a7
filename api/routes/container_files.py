"""`/v1/containers/{container_id}/files`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api import bodies
from api.auth import Owner
from api.dependencies import Choices, Services, body, expired_is_not_found, no_query, query
from api.downloads import download_container_file
from api.forms import open_form
from api.pagination import ListObject, PageQuery
from api.schemas.container_files import (
    ContainerFileCreate,
    ContainerFileDeleted,
    ContainerFileForm,
    ContainerFileObject,
)

router = APIRouter(prefix="/containers/{container_id}/files", dependencies=[Depends(expired_is_not_found)])
read_reference = body(ContainerFileCreate)


@router.post("", dependencies=[Depends(no_query)])
async def create(owner: Owner, runtime: Services, settings: Choices, request: Request, container_id: str) -> Response:
    """Upload a file into a container, or copy one into it."""
    match bodies.media_type(request):
        case "multipart/form-data":
            async with open_form(request, ContainerFileForm, settings.file_max_bytes) as form:
                part = await form.next_file()
                if part is not None:
                    name, content = str(part.filename), form.content(part)
                    file = await runtime.container_files.upload(owner, container_id, name, content)
                    return ContainerFileObject.of(file).response()
            file_id = form.values().to_file_id()
        case "application/json":
            file_id = (await read_reference(request)).file_id
        case _:
            raise bodies.wrong_media_type(request, "multipart/form-data", "application/json")
    return ContainerFileObject.of(await runtime.container_files.copy(owner, container_id, file_id)).response()


@router.get("")
async def page(
    owner: Owner,
    runtime: Services,
    container_id: str,
    asked: Annotated[PageQuery, Depends(query(PageQuery))],
) -> Response:
    """List a container's files."""
    found = await runtime.container_files.list(owner, container_id, asked.to_page())
    return ListObject.of(found, ContainerFileObject.of).response()


@router.get("/{file_id}", dependencies=[Depends(no_query)])
async def retrieve(owner: Owner, runtime: Services, container_id: str, file_id: str) -> Response:
    """Retrieve what is known of a file."""
    return ContainerFileObject.of(await runtime.container_files.retrieve(owner, container_id, file_id)).response()


@router.get("/{file_id}/content", dependencies=[Depends(no_query)])
async def content(owner: Owner, runtime: Services, container_id: str, file_id: str) -> Response:
    """Download a file."""
    return download_container_file(await runtime.container_files.read(owner, container_id, file_id))


@router.delete("/{file_id}", dependencies=[Depends(no_query)])
async def delete(owner: Owner, runtime: Services, container_id: str, file_id: str) -> Response:
    """Delete a file."""
    await runtime.container_files.delete(owner, container_id, file_id)
    return ContainerFileDeleted(id=file_id).response()
