"""`/v1/containers/{container_id}/files`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import Request
from starlette.responses import Response

from api import bodies, forms
from api.downloads import download_container_file
from api.pagination import ListObject, PageQuery
from api.requests import no_query, read_body, read_query, runtime_of, settings_of
from api.routing import Routes
from api.schemas.container_files import (
    ContainerFileCreate,
    ContainerFileDeleted,
    ContainerFileForm,
    ContainerFileObject,
)
from runtime.errors import ContainerExpired, NotFound

routes = Routes("/containers/{container_id}/files")


@contextmanager
def expired_is_not_found() -> Iterator[None]:
    """Where files are asked for, an expired container's are simply not there: OpenAI answers 404."""
    try:
        yield
    except ContainerExpired as error:
        raise NotFound(error.message) from error


@routes.post("")
async def create(request: Request, owner: str, container_id: str) -> Response:
    """Upload a file into a container, or copy one into it."""
    no_query(request)
    runtime, settings = runtime_of(request), settings_of(request)
    with expired_is_not_found():
        match bodies.media_type(request):
            case forms.FORM:
                async with forms.open_form(request, ContainerFileForm, settings.file_max_bytes) as form:
                    part = await form.next_file()
                    if part is not None:
                        name, content = str(part.filename), form.content(part)
                        file = await runtime.container_files.upload(owner, container_id, name, content)
                        return ContainerFileObject.of(file).response()
                file_id = form.values().to_file_id()
            case "application/json":
                file_id = (await read_body(request, ContainerFileCreate)).file_id
            case _:
                raise bodies.wrong_media_type(request, forms.FORM, "application/json")
        return ContainerFileObject.of(await runtime.container_files.copy(owner, container_id, file_id)).response()


@routes.get("")
async def page(request: Request, owner: str, container_id: str) -> Response:
    """List a container's files."""
    asked = read_query(request, PageQuery)
    with expired_is_not_found():
        found = await runtime_of(request).container_files.list(owner, container_id, asked.to_page())
    return ListObject.of(found, ContainerFileObject.of).response()


@routes.get("/{file_id}")
async def retrieve(request: Request, owner: str, container_id: str, file_id: str) -> Response:
    """Retrieve what is known of a file."""
    no_query(request)
    with expired_is_not_found():
        file = await runtime_of(request).container_files.retrieve(owner, container_id, file_id)
    return ContainerFileObject.of(file).response()


@routes.get("/{file_id}/content")
async def content(request: Request, owner: str, container_id: str, file_id: str) -> Response:
    """Download a file."""
    no_query(request)
    with expired_is_not_found():
        return download_container_file(await runtime_of(request).container_files.read(owner, container_id, file_id))


@routes.delete("/{file_id}")
async def delete(request: Request, owner: str, container_id: str, file_id: str) -> Response:
    """Delete a file."""
    no_query(request)
    with expired_is_not_found():
        await runtime_of(request).container_files.delete(owner, container_id, file_id)
    return ContainerFileDeleted(id=file_id).response()
