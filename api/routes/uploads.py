"""`/v1/uploads`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from api.forms import open_form
from api.requests import no_query, read_body, runtime_of
from api.routing import Routes
from api.schemas.uploads import UploadComplete, UploadCreate, UploadObject, UploadPartForm, UploadPartObject
from runtime.uploads import MAX_PART_BYTES

routes = Routes("/uploads")


@routes.post("")
async def create(request: Request, owner: str) -> Response:
    """Announce a large file, to be sent in parts within an hour."""
    no_query(request)
    wanted = await read_body(request, UploadCreate)
    return UploadObject.of(await runtime_of(request).uploads.create(owner, wanted.to_spec())).response()


@routes.post("/{upload_id}/parts")
async def add_part(request: Request, owner: str, upload_id: str) -> Response:
    """Send a part. Several may be sent at the same time."""
    no_query(request)
    async with open_form(request, UploadPartForm, MAX_PART_BYTES) as form:
        content = form.content(await form.the_file())
        part = await runtime_of(request).uploads.add_part(owner, upload_id, content)
    return UploadPartObject.of(part).response()


@routes.post("/{upload_id}/complete")
async def complete(request: Request, owner: str, upload_id: str) -> Response:
    """Make a file of the parts."""
    no_query(request)
    wanted = await read_body(request, UploadComplete)
    upload = await runtime_of(request).uploads.complete(owner, upload_id, wanted.part_ids, wanted.md5)
    return UploadObject.of(upload).response()


@routes.post("/{upload_id}/cancel")
async def cancel(request: Request, owner: str, upload_id: str) -> Response:
    """Drop the parts; no more can come."""
    no_query(request)
    return UploadObject.of(await runtime_of(request).uploads.cancel(owner, upload_id)).response()
