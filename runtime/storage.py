"""Where blobs and their records meet: bytes come before their record, and go after it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Iterable
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

from runtime.blobs.base import BlobStore
from runtime.errors import QuotaExceeded, SandlotError
from runtime.file_values import Blob
from runtime.ids import new_blob_id
from runtime.pieces import limited
from runtime.store.base import BlobRecords
from runtime.uninterrupted import uninterrupted

log = logging.getLogger(__name__)

T = TypeVar("T")


class Storage:
    """The bytes of files, parts and skills, on the account of the key that brought them.

    `quota` is how many bytes a key may store. All calls raise StorageUnavailable as BlobStore does.
    """

    def __init__(self, blobs: BlobStore, records: BlobRecords, quota: int) -> None:
        self.quota = quota
        self._blobs = blobs
        self._records = records
        self._unrecorded: set[str] = set()  # the blobs that are being written, or wait for their record
        self._incoming: Counter[str] = Counter()  # by owner, how many bytes of them have come so far

    @asynccontextmanager
    async def write(
        self,
        owner: str,
        pieces: AsyncIterable[bytes],
        max_bytes: int,
        *,
        param: str | None = None,
        replacing: int = 0,
    ) -> AsyncIterator[Blob]:
        """A new blob, safe on the disk. Unless `record` has succeeded by the end of the context, it is removed.

        `replacing` is how many recorded bytes of the owner's go when this blob is recorded. Raises TooLarge, with
        `param`, past `max_bytes`, QuotaExceeded as soon as the owner has no room for what comes in now, StorageFull,
        and whatever `pieces` raises; closing them is the caller's.
        """
        blob_id = new_blob_id()
        self._unrecorded.add(blob_id)
        try:
            room = self.quota - await self._records.usage(owner)
            allowed = limited(pieces, max_bytes, param)
            async with aclosing(allowed), aclosing(self._accounted(owner, allowed, room, replacing)) as accounted:
                size = await self._blobs.write(blob_id, accounted)
            try:
                yield Blob(blob_id, owner, size)
            finally:
                if blob_id in self._unrecorded:
                    await self.remove([blob_id])
        finally:
            self._unrecorded.discard(blob_id)

    async def record(self, blob: Blob, adding: Awaitable[T]) -> T:
        """Wait for the record of a blob that was just written, and keep the blob if that succeeds.

        `adding` goes on to its end even if the task is cancelled meanwhile: there is never a record without its bytes.
        """

        async def add() -> T:
            added = await adding
            self._unrecorded.discard(blob.id)
            return added

        return await uninterrupted(add())

    async def read(self, blob_id: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        """See BlobStore.read."""
        return await self._blobs.read(blob_id, start, end)

    async def remove(self, blob_ids: Iterable[str]) -> None:
        """Remove blobs that have no record any more, even if the task is cancelled.

        When one can't be, that one and the rest are left to `collect`: nobody should wait for a dead storage so often.
        """

        async def remove_all() -> None:
            for blob_id in blob_ids:
                if not await self._remove(blob_id):
                    break

        await uninterrupted(remove_all())

    async def collect(self) -> None:
        """Remove the blobs that have no record and won't get one: what crashes and failed removals have left."""
        stored = {blob_id async for blob_id in self._blobs.list()}
        # In this order: what was in neither has been given up, since a blob is recorded before it ceases to be awaited.
        awaited = set(self._unrecorded)
        recorded = await self._records.ids()
        left = stored - awaited - recorded
        if left:
            log.info("%d blobs that nothing refers to are removed", len(left))
        for blob_id in left:
            await self._remove(blob_id)

    async def _remove(self, blob_id: str) -> bool:
        """Whether it is gone."""
        try:
            await self._blobs.remove(blob_id)
        except SandlotError as error:
            log.warning("The blob %s is left to the next collection: %s", blob_id, error)
            return False
        return True

    async def _accounted(
        self, owner: str, pieces: AsyncIterable[bytes], room: int, replacing: int
    ) -> AsyncGenerator[bytes]:
        """The pieces, as long as there is room for all that comes in for the owner at the same time."""
        size = growth = 0
        try:
            async for piece in pieces:
                size += len(piece)
                self._incoming[owner] -= growth
                growth = max(0, size - replacing)
                self._incoming[owner] += growth
                if growth and self._incoming[owner] > room:
                    raise QuotaExceeded(self.quota)
                yield piece
        finally:
            self._incoming[owner] -= growth
            if not self._incoming[owner]:
                del self._incoming[owner]
