"""The records of uploads and their parts, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from runtime.file_values import Blob, File, FilePurpose, FileSpec, Upload, UploadPart, UploadSpec, UploadStatus
from runtime.store.blobs import insert_blob
from runtime.store.connections import Connections
from runtime.store.files import get_file, insert_file
from runtime.store.rows import BlobRow, UploadPartRow, UploadRow
from runtime.store.works import change, every

_DUE_AT_MOST = 500

_UploadColumns = Row[str, str, str, str, int, str, int | None, int, int, str, str | None]

# Statements with fixed text are built once, see containers.py.
_SELECT = select(
    UploadRow.id,
    UploadRow.owner,
    UploadRow.filename,
    UploadRow.purpose,
    UploadRow.size,
    UploadRow.mime_type,
    UploadRow.expires_after_seconds,
    UploadRow.created_at,
    UploadRow.expires_at,
    UploadRow.status,
    UploadRow.file_id,
)
_FIND = _SELECT.where(UploadRow.id == bindparam("upload_id"), UploadRow.owner == bindparam("owner"))
_PENDING = (
    select(UploadRow.id)
    .where(UploadRow.id == bindparam("upload_id"), UploadRow.owner == bindparam("owner"))
    .where(UploadRow.status == UploadStatus.PENDING.value)
)
_DUE = (
    _SELECT.where(UploadRow.status == UploadStatus.PENDING.value, UploadRow.expires_at <= bindparam("now"))
    .order_by(UploadRow.expires_at)
    .limit(_DUE_AT_MOST)
)
_MOVE = (
    update(UploadRow)
    .where(UploadRow.id == bindparam("upload_id"), UploadRow.status == UploadStatus.PENDING.value)
    .values(status=bindparam("to"))
)
_SET_FILE = update(UploadRow).where(UploadRow.id == bindparam("upload_id")).values(file_id=bindparam("file"))

_INSERT_PART = insert(UploadPartRow)
_PARTS = (
    select(UploadPartRow.id, UploadPartRow.upload_id, BlobRow.size, UploadPartRow.created_at, UploadPartRow.blob_id)
    .join(BlobRow, BlobRow.id == UploadPartRow.blob_id)
    .where(UploadPartRow.upload_id == bindparam("upload_id"))
    .order_by(UploadPartRow.created_at, UploadPartRow.id)
)
_PART_BLOBS = select(UploadPartRow.blob_id).where(UploadPartRow.upload_id == bindparam("upload_id"))
_REMOVE_PARTS = delete(BlobRow).where(BlobRow.id.in_(_PART_BLOBS)).returning(BlobRow.id)


class SqlUploadStore:
    """An UploadStore. A part's record goes with that of its blob, by its foreign key."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def add(self, upload: Upload) -> None:
        """See UploadStore."""
        values = {
            "id": upload.id,
            "owner": upload.owner,
            "filename": upload.spec.file.filename,
            "purpose": upload.spec.file.purpose.value,
            "size": upload.spec.size,
            "mime_type": upload.spec.mime_type,
            "expires_after_seconds": upload.spec.file.expires_after_seconds,
            "created_at": upload.created_at,
            "expires_at": upload.expires_at,
            "status": upload.status.value,
        }
        await self._connections.write(change(insert(UploadRow), values))

    async def find(self, owner: str, upload_id: str) -> Upload | None:
        """See UploadStore."""

        def work(connection: Connection) -> Upload | None:
            row = connection.execute(_FIND, {"owner": owner, "upload_id": upload_id}).one_or_none()
            if row is None:
                return None
            return _upload(row, get_file(connection, row.file_id) if row.file_id else None)

        return await self._connections.read(work)

    async def add_part(self, owner: str, part: UploadPart, quota: int) -> bool:
        """See UploadStore."""
        values = {"id": part.id, "upload_id": part.upload_id, "created_at": part.created_at, "blob_id": part.blob_id}

        def work(connection: Connection) -> bool:
            if connection.scalars(_PENDING, {"owner": owner, "upload_id": part.upload_id}).one_or_none() is None:
                return False
            insert_blob(connection, Blob(part.blob_id, owner, part.size), quota)
            connection.execute(_INSERT_PART, values)
            return True

        return await self._connections.write(work)

    async def parts(self, upload_id: str) -> Sequence[UploadPart]:
        """See UploadStore."""
        return await self._connections.read(every(_PARTS, {"upload_id": upload_id}, lambda row: UploadPart(*row)))

    async def complete(self, upload_id: str, file: File, quota: int) -> Sequence[str] | None:
        """See UploadStore."""

        def work(connection: Connection) -> Sequence[str] | None:
            removed = _end(connection, upload_id, UploadStatus.COMPLETED)
            if removed is not None:
                insert_file(connection, file, quota)
                connection.execute(_SET_FILE, {"upload_id": upload_id, "file": file.id})
            return removed

        return await self._connections.write(work)

    async def close(
        self, upload_id: str, status: Literal[UploadStatus.CANCELLED, UploadStatus.EXPIRED]
    ) -> Sequence[str] | None:
        """See UploadStore."""
        return await self._connections.write(lambda connection: _end(connection, upload_id, status))

    async def due(self, now: int) -> Sequence[Upload]:
        """See UploadStore."""
        return await self._connections.read(every(_DUE, {"now": now}, lambda row: _upload(row, file=None)))


def _end(connection: Connection, upload_id: str, status: UploadStatus) -> Sequence[str] | None:
    """Set the status of a pending upload and forget its parts: the ids of their blobs. None when it is not pending."""
    if connection.execute(_MOVE, {"upload_id": upload_id, "to": status.value}).rowcount == 0:
        return None
    return connection.scalars(_REMOVE_PARTS, {"upload_id": upload_id}).all()


def _upload(row: _UploadColumns, file: File | None) -> Upload:
    announced = FileSpec(row.filename, FilePurpose(row.purpose), row.expires_after_seconds)
    return Upload(
        id=row.id,
        owner=row.owner,
        spec=UploadSpec(announced, row.size, row.mime_type),
        created_at=row.created_at,
        expires_at=row.expires_at,
        status=UploadStatus(row.status),
        file=file,
    )
