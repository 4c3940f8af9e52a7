"""The records of API keys, in SQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, union

from runtime.store.connections import Connections
from runtime.store.rows import ApiKeyRow, BlobRow, ContainerRow, SkillRow, UploadRow
from runtime.store.works import change, every, one
from runtime.values import ApiKey

_SELECT = select(ApiKeyRow.id, ApiKeyRow.name, ApiKeyRow.created_at)
_FIND = _SELECT.where(ApiKeyRow.hash == bindparam("key_hash"))
_OWNERLESS = union(
    *(
        select(row.owner).where(row.owner.not_in(select(ApiKeyRow.id)))
        for row in (ContainerRow, BlobRow, UploadRow, SkillRow)
    )
)
_ALL = _SELECT.order_by(ApiKeyRow.created_at, ApiKeyRow.id)


class SqlKeyStore:
    """A KeyStore."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def add(self, key: ApiKey, key_hash: bytes) -> None:
        """See KeyStore."""
        values = {"id": key.id, "name": key.name, "created_at": key.created_at, "hash": key_hash}
        await self._connections.write(change(insert(ApiKeyRow), values))

    async def find(self, key_hash: bytes) -> ApiKey | None:
        """See KeyStore."""
        return await self._connections.read(one(_FIND, {"key_hash": key_hash}, _key))

    async def list(self) -> Sequence[ApiKey]:
        """See KeyStore."""
        return await self._connections.read(every(_ALL, {}, _key))

    async def remove(self, key_id: str) -> bool:
        """See KeyStore."""

        def work(connection: Connection) -> bool:
            if connection.execute(delete(ApiKeyRow).where(ApiKeyRow.id == key_id)).rowcount == 0:
                return False
            _remove_belongings(connection, key_id)
            return True

        return await self._connections.write(work)

    async def ownerless(self) -> Sequence[str]:
        """See KeyStore."""
        return await self._connections.read(lambda connection: connection.scalars(_OWNERLESS).all())

    async def remove_belongings(self, owner: str) -> None:
        """See KeyStore."""
        await self._connections.write(lambda connection: _remove_belongings(connection, owner))


def _remove_belongings(connection: Connection, owner: str) -> None:
    # The blobs first: with them go files, parts and versions, and then nothing refers to the others.
    for row in (BlobRow, UploadRow, SkillRow):
        connection.execute(delete(row).where(row.owner == owner))


def _key(row: Row[str, str, int]) -> ApiKey:
    return ApiKey(*row)
