"""The files of `/v1/files`: kept for their owner until they are deleted or expire."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Mapping

from runtime.errors import NotFound
from runtime.file_values import Blob, File, FilePurpose, FileSpec
from runtime.ids import is_file_id, new_file_id
from runtime.missing import no_such_file
from runtime.storage import Storage
from runtime.store.base import FileStore
from runtime.uninterrupted import uninterrupted
from runtime.values import Page, PageRequest

BATCH_SECONDS = 30 * 24 * 3600
"""How long a file for batches stays unless it is asked for something else, as at OpenAI."""


class FileService:
    """What callers do with files. `owner` is the id of the caller's API key; others' files don't exist."""

    def __init__(self, store: FileStore, storage: Storage, max_bytes: int) -> None:
        self._store = store
        self._storage = storage
        self._max_bytes = max_bytes

    async def create(self, owner: str, body: AsyncIterable[bytes], spec: Callable[[], FileSpec]) -> File:
        """A new file, whole or not at all.

        `spec` is asked when the body has ended, since a form may name its fields after its file. Raises TooLarge,
        and what Storage.write, `body` and `spec` raise.
        """
        async with self._storage.write(owner, body, self._max_bytes, param="file") as blob:
            file = new_file(spec(), blob)
            await self._storage.record(blob, self._store.add(file, self._storage.quota))
        return file

    async def list(self, owner: str, page: PageRequest, purpose: FilePurpose | None = None) -> Page[File]:
        """A page of the owner's files, only those of `purpose` if one is given."""
        return await self._store.list(owner, page, purpose, int(time.time()))

    async def retrieve(self, owner: str, file_id: str) -> File:
        """The file's record. Raises NotFound, also once the file has expired."""
        file = await self._store.find(owner, file_id) if is_file_id(file_id) else None
        if file is None or _has_expired(file):
            raise no_such_file(file_id)
        return file

    async def find_all(self, owner: str, file_ids: Iterable[str]) -> Mapping[str, File]:
        """The records of those files that there are, by their ids."""
        found = await self._store.find_all(owner, [file_id for file_id in file_ids if is_file_id(file_id)])
        return {file.id: file for file in found if not _has_expired(file)}

    async def read(self, file: File, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        """The bytes from `start` up to `end`, which is excluded; to be closed. A deletion no longer matters to them.

        Raises NotFound when the file was deleted since it was retrieved.
        """
        try:
            return await self._storage.read(file.blob_id, start, end)
        except NotFound:
            raise no_such_file(file.id) from None

    async def delete(self, owner: str, file_id: str) -> None:
        """Remove the file. Done again, it raises NotFound."""
        file = await self.retrieve(owner, file_id)
        if not await uninterrupted(self._remove(file)):
            raise no_such_file(file_id)

    async def expire_due(self) -> None:
        """Remove files whose time is up."""
        for file in await self._store.due(int(time.time())):
            await self._remove(file)

    async def _remove(self, file: File) -> bool:
        """Whether this call did it."""
        blob_id = await self._store.remove(file.owner, file.id)
        if blob_id is None:
            return False
        await self._storage.remove([blob_id])
        return True


def new_file(spec: FileSpec, blob: Blob) -> File:
    """The record of a file that is made now."""
    now = int(time.time())
    lasts = spec.expires_after_seconds
    if lasts is None and spec.purpose is FilePurpose.BATCH:
        lasts = BATCH_SECONDS
    return File(
        id=new_file_id(),
        owner=blob.owner,
        filename=spec.filename,
        purpose=spec.purpose,
        size=blob.size,
        created_at=now,
        expires_at=None if lasts is None else now + lasts,
        blob_id=blob.id,
    )


def _has_expired(file: File) -> bool:
    return file.expires_at is not None and file.expires_at <= time.time()
