"""The records of blobs, in SQL."""

from __future__ import annotations

from collections.abc import Set

from sqlalchemy import Connection, bindparam, func, insert, select

from runtime.errors import QuotaExceeded
from runtime.file_values import Blob
from runtime.store.connections import Connections
from runtime.store.rows import BlobRow

_INSERT = insert(BlobRow)
_IDS = select(BlobRow.id)
_USAGE = select(func.coalesce(func.sum(BlobRow.size), 0)).where(BlobRow.owner == bindparam("owner"))


def insert_blob(connection: Connection, blob: Blob, quota: int) -> None:
    """Keep the record of a blob, in the caller's transaction. Raises QuotaExceeded, which has to end it."""
    connection.execute(_INSERT, {"id": blob.id, "owner": blob.owner, "size": blob.size})
    if _usage(connection, blob.owner) > quota:
        raise QuotaExceeded(quota)


def _usage(connection: Connection, owner: str) -> int:
    return connection.scalars(_USAGE, {"owner": owner}).one()


class SqlBlobRecords:
    """A BlobRecords."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def ids(self) -> Set[str]:
        """See BlobRecords."""
        return await self._connections.read(lambda connection: set(connection.scalars(_IDS).all()))

    async def usage(self, owner: str) -> int:
        """See BlobRecords."""
        return await self._connections.read(lambda connection: _usage(connection, owner))
