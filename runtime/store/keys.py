"""The records of API keys, in SQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, insert, select

from runtime.store.connections import Connections
from runtime.store.rows import ApiKeyRow, BlobRow, SkillRow, UploadRow
from runtime.values import ApiKey

_SELECT = select(ApiKeyRow.id, ApiKeyRow.name, ApiKeyRow.created_at)
_FIND = _SELECT.where(ApiKeyRow.hash == bindparam("key_hash"))
_ALL = _SELECT.order_by(ApiKeyRow.created_at, ApiKeyRow.id)


class SqlKeyStore:
    """A KeyStore."""

    def __init__(self, connections: Connections) -> None:
        self._reader = connections.reader
        self._writer = connections.writer

    async def add(self, key: ApiKey, key_hash: bytes) -> None:
        """See KeyStore."""
        values = {"id": key.id, "name": key.name, "created_at": key.created_at, "hash": key_hash}
        async with self._writer.begin() as connection:
            await connection.execute(insert(ApiKeyRow), values)

    async def find(self, key_hash: bytes) -> ApiKey | None:
        """See KeyStore."""
        async with self._reader.connect() as connection:
            row = (await connection.execute(_FIND, {"key_hash": key_hash})).one_or_none()
        return ApiKey(*row) if row else None

    async def list(self) -> Sequence[ApiKey]:
        """See KeyStore."""
        async with self._reader.connect() as connection:
            rows = (await connection.execute(_ALL)).all()
        return [ApiKey(*row) for row in rows]

    async def remove(self, key_id: str) -> bool:
        """See KeyStore."""
        async with self._writer.begin() as connection:
            removed = await connection.execute(delete(ApiKeyRow).where(ApiKeyRow.id == key_id))
            if removed.rowcount == 1:
                # The blobs first: with them go files, parts and versions, and then nothing refers to the others.
                for row in (BlobRow, UploadRow, SkillRow):
                    await connection.execute(delete(row).where(row.owner == key_id))
            return removed.rowcount == 1
