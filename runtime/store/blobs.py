"""The records of blobs, in SQL."""

from __future__ import annotations

from collections.abc import Set

from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime.errors import QuotaExceeded
from runtime.file_values import Blob
from runtime.store.connections import Connections
from runtime.store.rows import BlobRow

_INSERT = insert(BlobRow)
_IDS = select(BlobRow.id)
_USAGE = select(func.coalesce(func.sum(BlobRow.size), 0)).where(BlobRow.owner == bindparam("owner"))


async def insert_blob(connection: AsyncConnection, blob: Blob, quota: int) -> None:
    """Keep the record of a blob, in the caller's transaction.

    Raises QuotaExceeded, which has to end that transaction: the row is written before the sum is taken, since
    from then on nobody else writes.
    """
    await connection.execute(_INSERT, {"id": blob.id, "owner": blob.owner, "size": blob.size})
    if (await connection.scalars(_USAGE, {"owner": blob.owner})).one() > quota:
        raise QuotaExceeded(quota)


class SqlBlobRecords:
    """A BlobRecords."""

    def __init__(self, connections: Connections) -> None:
        self._reader = connections.reader

    async def ids(self) -> Set[str]:
        """See BlobRecords."""
        async with self._reader.connect() as connection:
            return set(await connection.scalars(_IDS))

    async def usage(self, owner: str) -> int:
        """See BlobRecords."""
        async with self._reader.connect() as connection:
            return (await connection.scalars(_USAGE, {"owner": owner})).one()
