"""Files of containers on the wire."""

from __future__ import annotations

from typing import Literal

from api.schemas.base import ListItem, RequestBody, ResponseBody
from runtime.values import ContainerFile, FileSource


class ContainerFileCreate(RequestBody):
    """The JSON body of `POST .../files`, the form that copies a file the server already has."""

    file_id: str


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
