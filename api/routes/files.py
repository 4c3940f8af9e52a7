"""`/v1/files`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api.auth import Owner
from api.dependencies import Choices, Services, no_query, query
from api.downloads import download_file
from api.forms import open_form
from api.pagination import ListObject
from api.schemas.files import FileDeleted, FileForm, FileObject, FilesQuery

router = APIRouter(prefix="/files")


@router.post("", dependencies=[Depends(no_query)])
async def create(owner: Owner, runtime: Services, settings: Choices, request: Request) -> Response:
    """Upload a file."""
    async with open_form(request, FileForm, settings.file_max_bytes) as form:
        content = form.content(await form.the_file())
        file = await runtime.files.create(owner, content, lambda: form.values().to_spec())
    return FileObject.of(file).response()


@router.get("")
async def page(owner: Owner, runtime: Services, asked: Annotated[FilesQuery, Depends(query(FilesQuery))]) -> Response:
    """List files."""
    found = await runtime.files.list(owner, asked.to_page(), asked.purpose)
    return ListObject.of(found, FileObject.of).response()


@router.get("/{file_id}", dependencies=[Depends(no_query)])
async def retrieve(owner: Owner, runtime: Services, file_id: str) -> Response:
    """Retrieve what is known of a file."""
    return FileObject.of(await runtime.files.retrieve(owner, file_id)).response()


@router.get("/{file_id}/content", dependencies=[Depends(no_query)])
async def content(owner: Owner, runtime: Services, request: Request, file_id: str) -> Response:
    """Download a file, or a range of it."""
    file = await runtime.files.retrieve(owner, file_id)
    return await download_file(request, file, partial(runtime.files.read, file))


@router.delete("/{file_id}", dependencies=[Depends(no_query)])
async def delete(owner: Owner, runtime: Services, file_id: str) -> Response:
    """Delete a file."""
    await runtime.files.delete(owner, file_id)
    return FileDeleted(id=file_id).response()
