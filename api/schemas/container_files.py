"""Files of containers on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from api import wording
from api.schemas.base import InFile, ListItem, RequestBody, ResponseBody
from runtime.values import ContainerFile, FileSource


class ContainerFileCreate(RequestBody):
    """The JSON body of `POST .../files`, the form that copies a file the server already has."""

    file_id: str


class ContainerFileForm(RequestBody):
    """The form of `POST .../files`: a file, or the id of one the server already has."""

    file: Annotated[str | None, InFile()] = None
    file_id: str | None = None

    @field_validator("file_id")
    @classmethod
    def _alone(cls, file_id: str, info: ValidationInfo) -> str:
        if info.data.get("file") is not None:
            raise PydanticCustomError("file_id", "it can't be given together with 'file'.")
        return file_id

    def to_file_id(self) -> str:
        """The id that was given in place of a file."""
        if self.file_id is None:
            raise wording.missing_parameter("file")
        return self.file_id


class ContainerFileObject(ListItem):
    """A file in a container."""

    object: Literal["container.file"] = "container.file"
    created_at: int
    bytes: int
    container_id: str
    path: str
    source: FileSource

    @classmethod
    def of(cls, file: ContainerFile) -> ContainerFileObject:
        """A file's record as clients see it. Bytes of its path that are not UTF-8 are shown as `\\xNN`."""
        return cls(
            id=file.id,
            created_at=file.created_at,
            bytes=file.size,
            container_id=file.container_id,
            path=file.path.decode("utf-8", "backslashreplace"),
            source=file.source,
        )


class ContainerFileDeleted(ResponseBody):
    """The answer to `DELETE .../files/{id}`."""

    id: str
    object: Literal["container.file.deleted"] = "container.file.deleted"
    deleted: Literal[True] = True
