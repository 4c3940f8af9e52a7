"""`/v1/files` on the wire."""

from __future__ import annotations

from operator import not_
from typing import Annotated, Literal

from pydantic import Field

from api.pagination import PageQuery
from api.schemas.base import NO_NUL, InFile, Integer, ListItem, RequestBody, ResponseBody
from runtime.file_values import File, FilePurpose, FileSpec

MAX_LISTED = 10_000
"""OpenAI's longest page of files, and the default."""

HOUR = 3600
DAY = 24 * HOUR

Filename = Annotated[str, Field(min_length=1, max_length=1024), NO_NUL]


class ExpiresAfter(RequestBody):
    """How long a file stays after it was made."""

    anchor: Literal["created_at"]
    seconds: Annotated[Integer, Field(ge=HOUR, le=30 * DAY)]


class FileForm(RequestBody):
    """The form of `POST /v1/files`."""

    file: Annotated[Filename, InFile()]
    purpose: FilePurpose
    expires_after: ExpiresAfter | None = None

    def to_spec(self) -> FileSpec:
        """What the runtime is to know of the file."""
        return file_spec(self.file, self.purpose, self.expires_after)


class FilesQuery(PageQuery):
    """The query of `GET /v1/files`."""

    limit: Integer = Field(default=MAX_LISTED, ge=1, le=MAX_LISTED)
    purpose: FilePurpose | None = None


class FileObject(ListItem):
    """A file. `expires_at` is there only if it does expire."""

    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    expires_at: int | None = Field(default=None, exclude_if=not_)
    filename: str
    purpose: FilePurpose
    status: Literal["processed"] = "processed"

    @classmethod
    def of(cls, file: File) -> FileObject:
        """A file's record as clients see it."""
        return cls(
            id=file.id,
            bytes=file.size,
            created_at=file.created_at,
            expires_at=file.expires_at,
            filename=file.filename,
            purpose=file.purpose,
        )


class FileDeleted(ResponseBody):
    """The answer to `DELETE /v1/files/{id}`."""

    id: str
    object: Literal["file"] = "file"
    deleted: Literal[True] = True


def file_spec(filename: str, purpose: FilePurpose, expires_after: ExpiresAfter | None) -> FileSpec:
    """What a request says of a file."""
    return FileSpec(filename, purpose, expires_after.seconds if expires_after else None)
