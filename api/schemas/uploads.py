"""`/v1/uploads` on the wire."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from api.schemas.base import NO_NUL, InFile, RequestBody, ResponseBody
from api.schemas.files import ExpiresAfter, Filename, FileObject, file_spec
from runtime.file_values import FilePurpose, Upload, UploadPart, UploadSpec, UploadStatus

_MD5 = re.compile("[0-9a-fA-F]{32}")


def _checksum(text: str) -> str:
    if not _MD5.fullmatch(text):
        raise PydanticCustomError("checksum", "it must be 32 hexadecimal digits.")
    return text


class UploadCreate(RequestBody):
    """The body of `POST /v1/uploads`. `mime_type` is kept as it is: OpenAI's own clients send `pdf`, too."""

    filename: Filename
    purpose: FilePurpose
    bytes: Annotated[int, Field(ge=1)]
    mime_type: Annotated[str, Field(min_length=1, max_length=255), NO_NUL]
    expires_after: ExpiresAfter | None = None

    def to_spec(self) -> UploadSpec:
        """What the runtime is to expect."""
        return UploadSpec(file_spec(self.filename, self.purpose, self.expires_after), self.bytes, self.mime_type)


class UploadPartForm(RequestBody):
    """The form of `POST /v1/uploads/{id}/parts`. OpenAI's example sends the bytes as a plain field."""

    data: Annotated[str, InFile(nameless=True)]


class UploadComplete(RequestBody):
    """The body of `POST /v1/uploads/{id}/complete`."""

    part_ids: Annotated[list[str], Field(min_length=1, fail_fast=True)]
    md5: Annotated[str, AfterValidator(_checksum)] | None = None


class UploadObject(ResponseBody):
    """An upload; `file` is what has become of it."""

    id: str
    object: Literal["upload"] = "upload"
    bytes: int
    created_at: int
    expires_at: int
    filename: str
    purpose: FilePurpose
    status: UploadStatus
    file: FileObject | None

    @classmethod
    def of(cls, upload: Upload) -> UploadObject:
        """An upload's record as clients see it."""
        return cls(
            id=upload.id,
            bytes=upload.spec.size,
            created_at=upload.created_at,
            expires_at=upload.expires_at,
            filename=upload.spec.file.filename,
            purpose=upload.spec.file.purpose,
            status=upload.status,
            file=FileObject.of(upload.file) if upload.file else None,
        )


class UploadPartObject(ResponseBody):
    """A part of an upload."""

    id: str
    object: Literal["upload.part"] = "upload.part"
    created_at: int
    upload_id: str

    @classmethod
    def of(cls, part: UploadPart) -> UploadPartObject:
        """A part's record as clients see it."""
        return cls(id=part.id, created_at=part.created_at, upload_id=part.upload_id)
