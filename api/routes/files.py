"""`/v1/files`."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from api.downloads import download_file
from api.forms import open_form
from api.pagination import ListObject
from api.requests import no_query, read_query, runtime_of, settings_of
from api.routing import Routes
from api.schemas.files import FileDeleted, FileForm, FileObject, FilesQuery

routes = Routes("/files")


@routes.post("")
async def create(request: Request, owner: str) -> Response:
    """Upload a file."""
    no_query(request)
    async with open_form(request, FileForm, settings_of(request).file_max_bytes) as form:
        content = form.content(await form.the_file())
        file = await runtime_of(request).files.create(owner, content, lambda: form.values().to_spec())
    return FileObject.of(file).response()


@routes.get("")
async def page(request: Request, owner: str) -> Response:
    """List files."""
    asked = read_query(request, FilesQuery)
    found = await runtime_of(request).files.list(owner, asked.to_page(), asked.purpose)
    return ListObject.of(found, FileObject.of).response()


@routes.get("/{file_id}")
async def retrieve(request: Request, owner: str, file_id: str) -> Response:
    """Retrieve what is known of a file."""
    no_query(request)
    return FileObject.of(await runtime_of(request).files.retrieve(owner, file_id)).response()


@routes.get("/{file_id}/content")
async def content(request: Request, owner: str, file_id: str) -> Response:
    """Download a file, or a range of it."""
    no_query(request)
    files = runtime_of(request).files
    file = await files.retrieve(owner, file_id)
    return await download_file(request, file, partial(files.read, file))


@routes.delete("/{file_id}")
async def delete(request: Request, owner: str, file_id: str) -> Response:
    """Delete a file."""
    no_query(request)
    await runtime_of(request).files.delete(owner, file_id)
    return FileDeleted(id=file_id).response()
