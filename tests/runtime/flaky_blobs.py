"""Blobs whose storage fails when it is told to."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator

from runtime.blobs.base import BlobStore
from runtime.errors import StorageUnavailable


class FlakyBlobStore:
    """Another BlobStore, which removes nothing while it is `stuck`; `refused` is how often it was asked to."""

    def __init__(self, blobs: BlobStore) -> None:
        self.stuck = False
        self.refused = 0
        self._blobs = blobs

    async def write(self, blob_id: str, pieces: AsyncIterable[bytes]) -> int:
        """See BlobStore."""
        return await self._blobs.write(blob_id, pieces)

    async def read(self, blob_id: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        """See BlobStore."""
        return await self._blobs.read(blob_id, start, end)

    async def remove(self, blob_id: str) -> None:
        """See BlobStore."""
        if self.stuck:
            self.refused += 1
            raise StorageUnavailable("The storage is stuck.")
        await self._blobs.remove(blob_id)

    def list(self) -> AsyncIterator[str]:
        """See BlobStore."""
        return self._blobs.list()
