"""Uploads: a large file that comes in parts, and is one file once they are complete."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Literal
from weakref import WeakValueDictionary

from runtime.errors import InvalidInput, NotFound
from runtime.file_values import File, Upload, UploadPart, UploadSpec, UploadStatus
from runtime.files import new_file
from runtime.ids import is_upload_id, new_part_id, new_upload_id
from runtime.storage import Storage
from runtime.store.base import UploadStore
from runtime.uninterrupted import uninterrupted

# OpenAI's limits.
LIFETIME_SECONDS = 3600
MAX_PART_BYTES = 64 * 1024**2
MAX_BYTES = 8 * 1024**3


class UploadService:
    """What callers do with uploads. `owner` is the id of the caller's API key; others' uploads don't exist.

    All but `create` raise NotFound, and InvalidInput when the upload is not pending.
    """

    def __init__(self, store: UploadStore, storage: Storage) -> None:
        self._store = store
        self._storage = storage
        # Held while parts are put together: asked for twice at once, it would take twice the room.
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def create(self, owner: str, spec: UploadSpec) -> Upload:
        """A new upload, pending for an hour. Raises InvalidInput when more is announced than one may have."""
        if spec.size > MAX_BYTES:
            raise InvalidInput(
                f"An upload may have {MAX_BYTES} bytes at most, not {spec.size}.",
                param="bytes",
                code="integer_above_max_value",
            )
        now = int(time.time())
        upload = Upload(
            id=new_upload_id(),
            owner=owner,
            spec=spec,
            created_at=now,
            expires_at=now + LIFETIME_SECONDS,
            status=UploadStatus.PENDING,
        )
        await self._store.add(upload)
        return upload

    async def add_part(self, owner: str, upload_id: str, body: AsyncIterable[bytes]) -> UploadPart:
        """A new part, whole or not at all.

        Parts may be more than what was announced, as one that is sent again after a time-out is there twice; a single
        one may not. Raises TooLarge, and what Storage.write and `body` raise.
        """
        upload = await self._pending(owner, upload_id)
        room = MAX_BYTES - _size(await self._store.parts(upload_id))
        max_bytes = min(MAX_PART_BYTES, upload.spec.size, room)
        async with self._storage.write(owner, body, max_bytes, param="data") as blob:
            part = UploadPart(
                id=new_part_id(),
                upload_id=upload_id,
                size=blob.size,
                created_at=int(time.time()),
                blob_id=blob.id,
            )
            await self._storage.record(blob, self._add_part(owner, part))
        return part

    async def complete(self, owner: str, upload_id: str, part_ids: Sequence[str], md5: str | None = None) -> Upload:
        """Make the parts a file, in the order of `part_ids`; parts that are not among them are dropped.

        Raises InvalidInput, and leaves the upload pending, when the parts aren't this upload's, each once, and as long
        together as announced, or when `md5`, in hex digits, isn't theirs. Raises what Storage.write raises.
        """
        lock = self._locks.setdefault((owner, upload_id), asyncio.Lock())
        async with lock:
            upload = await self._pending(owner, upload_id)
            parts = await self._store.parts(upload_id)
            chosen = _chosen(upload, parts, part_ids)
            try:
                file = await self._put_together(upload, chosen, md5, replacing=_size(parts))
            except NotFound:
                await self._pending(owner, upload_id)  # most likely it was cancelled, and a part's bytes are gone
                raise
        return replace(upload, status=UploadStatus.COMPLETED, file=file)

    async def cancel(self, owner: str, upload_id: str) -> Upload:
        """End the upload and drop its parts."""
        upload = await self._pending(owner, upload_id)
        if not await uninterrupted(self._close(upload, UploadStatus.CANCELLED)):
            raise _not_pending(await self._find(owner, upload_id))
        return replace(upload, status=UploadStatus.CANCELLED)

    async def expire_due(self) -> None:
        """End pending uploads whose time is up."""
        for upload in await self._store.due(int(time.time())):
            await self._close(upload, UploadStatus.EXPIRED)

    async def _put_together(self, upload: Upload, parts: Sequence[UploadPart], md5: str | None, replacing: int) -> File:
        content = self._content(parts) if md5 is None else _verified(self._content(parts), md5)
        async with (
            aclosing(content),
            self._storage.write(upload.owner, content, upload.spec.size, replacing=replacing) as blob,
        ):
            file = new_file(upload.spec.file, blob)
            await self._storage.record(blob, self._complete(upload, file))
        return file

    async def _content(self, parts: Sequence[UploadPart]) -> AsyncGenerator[bytes]:
        """The bytes of the parts, one after the other."""
        for part in parts:
            async with aclosing(await self._storage.read(part.blob_id)) as pieces:
                async for piece in pieces:
                    yield piece

    async def _add_part(self, owner: str, part: UploadPart) -> None:
        if not await self._store.add_part(owner, part, self._storage.quota):
            raise _not_pending(await self._find(owner, part.upload_id))

    async def _complete(self, upload: Upload, file: File) -> None:
        replaced = await self._store.complete(upload.id, file, self._storage.quota)
        if replaced is None:
            raise _not_pending(await self._find(upload.owner, upload.id))
        await self._storage.remove(replaced)

    async def _close(self, upload: Upload, status: Literal[UploadStatus.CANCELLED, UploadStatus.EXPIRED]) -> bool:
        """Whether this call did it."""
        dropped = await self._store.close(upload.id, status)
        if dropped is None:
            return False
        await self._storage.remove(dropped)
        return True

    async def _pending(self, owner: str, upload_id: str) -> Upload:
        upload = await self._find(owner, upload_id)
        if upload.status is not UploadStatus.PENDING:
            raise _not_pending(upload)
        return upload

    async def _find(self, owner: str, upload_id: str) -> Upload:
        """The upload as it is now: its time may be up already although nobody has ended it yet."""
        upload = await self._store.find(owner, upload_id) if is_upload_id(upload_id) else None
        if upload is None:
            raise NotFound(f"No such Upload object: {upload_id}", param="upload_id")
        if upload.status is UploadStatus.PENDING and upload.expires_at <= time.time():
            return replace(upload, status=UploadStatus.EXPIRED)
        return upload


def _chosen(upload: Upload, parts: Sequence[UploadPart], part_ids: Sequence[str]) -> Sequence[UploadPart]:
    """The parts of the upload in the order that is asked for, if they can make up its file. Pure."""
    left = {part.id: part for part in parts}
    chosen = []
    for index, part_id in enumerate(part_ids):
        if part_id not in left:
            reason = "is there twice" if part_id in part_ids[:index] else f"is not a part of upload {upload.id}"
            raise InvalidInput(f"{part_id} {reason}.", param=f"part_ids[{index}]", code="invalid_value")
        chosen.append(left.pop(part_id))
    if _size(chosen) != upload.spec.size:
        message = f"The parts have {_size(chosen)} bytes together, but {upload.spec.size} were announced."
        raise InvalidInput(message, param="part_ids", code="invalid_value")
    return chosen


async def _verified(pieces: AsyncGenerator[bytes], md5: str) -> AsyncGenerator[bytes]:
    """The pieces, and an InvalidInput after them if they don't have that checksum."""
    digest = hashlib.md5(usedforsecurity=False)
    async with aclosing(pieces):
        async for piece in pieces:
            await asyncio.to_thread(digest.update, piece)
            yield piece
    if digest.hexdigest() != md5.lower():
        message = f"The parts have the MD5 checksum {digest.hexdigest()}, not {md5}."
        raise InvalidInput(message, param="md5", code="invalid_value")


def _size(parts: Sequence[UploadPart]) -> int:
    return sum(part.size for part in parts)


def _not_pending(upload: Upload) -> InvalidInput:
    message = f"Upload {upload.id} is not pending any more: it is {upload.status}."
    return InvalidInput(message, code="upload_not_pending")
