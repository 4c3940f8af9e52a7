"""`/v1/uploads`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api.auth import Owner
from api.dependencies import Services, body, no_query
from api.forms import open_form
from api.schemas.uploads import UploadComplete, UploadCreate, UploadObject, UploadPartForm, UploadPartObject
from runtime.uploads import MAX_PART_BYTES

router = APIRouter(prefix="/uploads", dependencies=[Depends(no_query)])


@router.post("")
async def create(
    owner: Owner, runtime: Services, wanted: Annotated[UploadCreate, Depends(body(UploadCreate))]
) -> Response:
    """Announce a large file, to be sent in parts within an hour."""
    return UploadObject.of(await runtime.uploads.create(owner, wanted.to_spec())).response()


@router.post("/{upload_id}/parts")
async def add_part(owner: Owner, runtime: Services, request: Request, upload_id: str) -> Response:
    """Send a part. Several may be sent at the same time."""
    async with open_form(request, UploadPartForm, MAX_PART_BYTES) as form:
        part = await runtime.uploads.add_part(owner, upload_id, form.content(await form.the_file()))
    return UploadPartObject.of(part).response()


@router.post("/{upload_id}/complete")
async def complete(
    owner: Owner,
    runtime: Services,
    upload_id: str,
    wanted: Annotated[UploadComplete, Depends(body(UploadComplete))],
) -> Response:
    """Make a file of the parts."""
    upload = await runtime.uploads.complete(owner, upload_id, wanted.part_ids, wanted.md5)
    return UploadObject.of(upload).response()


@router.post("/{upload_id}/cancel")
async def cancel(owner: Owner, runtime: Services, upload_id: str) -> Response:
    """Drop the parts; no more can come."""
    return UploadObject.of(await runtime.uploads.cancel(owner, upload_id)).response()
