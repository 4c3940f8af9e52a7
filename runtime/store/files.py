"""The records of the files of `/v1/files`, in SQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Row, bindparam, delete, insert, or_, select

from runtime.file_values import Blob, File, FilePurpose
from runtime.store.blobs import insert_blob
from runtime.store.connections import Connections
from runtime.store.paging import Listing
from runtime.store.rows import BlobRow, FileRow
from runtime.store.works import every, one
from runtime.values import Page, PageRequest

_DUE_AT_MOST = 500

_FileColumns = Row[str, str, str, str, int, int, int | None, str]

# Statements with fixed text are built once, see containers.py.
_SELECT = select(
    FileRow.id,
    FileRow.owner,
    FileRow.filename,
    FileRow.purpose,
    BlobRow.size,
    FileRow.created_at,
    FileRow.expires_at,
    FileRow.blob_id,
).join(BlobRow, BlobRow.id == FileRow.blob_id)
_GET = _SELECT.where(FileRow.id == bindparam("file_id"))
_FIND = _GET.where(FileRow.owner == bindparam("owner"))
_FIND_ALL = _SELECT.where(FileRow.id.in_(bindparam("file_ids", expanding=True)), FileRow.owner == bindparam("owner"))
_DUE = _SELECT.where(FileRow.expires_at <= bindparam("now")).order_by(FileRow.expires_at).limit(_DUE_AT_MOST)
_INSERT = insert(FileRow)
_BLOB = select(FileRow.blob_id).where(FileRow.id == bindparam("file_id"), FileRow.owner == bindparam("owner"))
_REMOVE = delete(BlobRow).where(BlobRow.id.in_(_BLOB)).returning(BlobRow.id)


def insert_file(connection: Connection, file: File, quota: int) -> None:
    """Keep a new file and its blob, in the caller's transaction. Raises QuotaExceeded, which has to end it."""
    insert_blob(connection, Blob(file.blob_id, file.owner, file.size), quota)
    values = {
        "id": file.id,
        "owner": file.owner,
        "filename": file.filename,
        "purpose": file.purpose.value,
        "created_at": file.created_at,
        "expires_at": file.expires_at,
        "blob_id": file.blob_id,
    }
    connection.execute(_INSERT, values)


def get_file(connection: Connection, file_id: str) -> File | None:
    """The file, whoever owns it."""
    return one(_GET, {"file_id": file_id}, _file)(connection)


class SqlFileStore:
    """A FileStore. A file's record goes with that of its blob, by its foreign key."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._listing = Listing(FileRow.created_at, FileRow.id, noun="file")

    async def add(self, file: File, quota: int) -> None:
        """See FileStore."""
        await self._connections.write(lambda connection: insert_file(connection, file, quota))

    async def find(self, owner: str, file_id: str) -> File | None:
        """See FileStore."""
        return await self._connections.read(one(_FIND, {"owner": owner, "file_id": file_id}, _file))

    async def find_all(self, owner: str, file_ids: Sequence[str]) -> Sequence[File]:
        """See FileStore."""
        if not file_ids:
            return []
        return await self._connections.read(every(_FIND_ALL, {"owner": owner, "file_ids": file_ids}, _file))

    async def list(self, owner: str, page: PageRequest, purpose: FilePurpose | None, now: int) -> Page[File]:
        """See FileStore."""
        stays = or_(FileRow.expires_at.is_(None), FileRow.expires_at > now)
        listed = _SELECT.where(FileRow.owner == owner, stays)
        only = [] if purpose is None else [FileRow.purpose == purpose.value]
        return await self._connections.read(self._listing.page(owner, listed, page, _file, only))

    async def remove(self, owner: str, file_id: str) -> str | None:
        """See FileStore."""

        def work(connection: Connection) -> str | None:
            return connection.scalars(_REMOVE, {"owner": owner, "file_id": file_id}).one_or_none()

        return await self._connections.write(work)

    async def due(self, now: int) -> Sequence[File]:
        """See FileStore."""
        return await self._connections.read(every(_DUE, {"now": now}, _file))


def _file(row: _FileColumns) -> File:
    return File(
        id=row.id,
        owner=row.owner,
        filename=row.filename,
        purpose=FilePurpose(row.purpose),
        size=row.size,
        created_at=row.created_at,
        expires_at=row.expires_at,
        blob_id=row.blob_id,
    )
