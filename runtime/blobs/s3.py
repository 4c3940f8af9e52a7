"""Blobs on S3-compatible storage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable
from contextlib import suppress
from typing import TYPE_CHECKING, Self, TypeVar

import obstore
from obstore.store import S3Store

from runtime.blobs.s3_connection import s3_connection
from runtime.blobs.s3_errors import FAILURES, translated
from runtime.errors import NotFound
from runtime.ids import is_blob_id
from runtime.pieces import PIECE, gathered
from runtime.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from obstore import AsyncWritableFile, GetResult

T = TypeVar("T")

PART = 5 * 1024**2  # the least that S3 takes; 10,000 parts are the most, so 48 GiB
PARTS_AT_ONCE = 4

LISTED_AT_ONCE = 1000


class S3BlobStore:
    """Implements runtime.blobs.base.BlobStore. A blob is an object, its key the prefix, a slash and the blob's id.

    A reader keeps its request open, so that a removal takes nothing away from it as long as the connection lasts.
    A full storage is StorageUnavailable like everything else that it refuses. What a crash leaves of an upload in
    parts isn't listed, but takes room: the bucket should have a rule that ends incomplete uploads after a day.
    """

    def __init__(self, store: S3Store, bucket: str) -> None:
        self._store = store
        self._bucket = bucket

    @classmethod
    async def connect(
        cls,
        bucket: str,
        *,
        prefix: str | None = None,
        endpoint: str | None = None,
        region: str | None = None,
        access_key: str | None = None,
        secret_key: str | None = None,
    ) -> Self:
        """The store in a bucket that exists; each `prefix` is a store of its own.

        `endpoint` is an http or https URL, None means AWS. Without the keys, the library looks for credentials: in the
        environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), from a web identity token, the
        container's or the instance's role, in this order; not in ~/.aws. It also takes from AWS_* variables all that
        is not given here, the region (us-east-1 if nowhere) among it. Raises StorageUnavailable when the bucket can't
        be listed.
        """
        store = s3_connection(
            bucket, prefix=prefix, endpoint=endpoint, region=region, access_key=access_key, secret_key=secret_key
        )
        connected = cls(store, bucket)
        await connected._answer(anext(obstore.list(store, chunk_size=1), []))
        return connected

    async def write(self, blob_id: str, pieces: AsyncIterable[bytes]) -> int:
        """See BlobStore."""
        size = 0
        writer = obstore.open_writer_async(self._store, blob_id, buffer_size=PART, max_concurrency=PARTS_AT_ONCE)
        try:
            async for data in gathered(pieces):
                size += len(data)
                await self._answer(uninterrupted(writer.write(data)))
        except BaseException as error:
            await _abort(writer, error)
            raise
        try:
            await self._answer(uninterrupted(writer.close()))
        except asyncio.CancelledError:
            await uninterrupted(self.remove(blob_id))  # closing went on to its end, so it may be there
            raise
        return size

    async def read(self, blob_id: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        """See BlobStore."""
        pieces = self._pieces(blob_id, start, end)
        await anext(pieces)  # opens the blob
        return pieces

    async def _pieces(self, blob_id: str, start: int, end: int | None) -> AsyncGenerator[bytes]:
        """First an empty piece, once the blob is open; then the bytes."""
        content = await self._open(blob_id, start, end)
        yield b""
        if content is not None:
            stream = content.stream(min_chunk_size=PIECE)
            while piece := await self._answer(anext(stream, b"")):
                yield piece

    async def _open(self, blob_id: str, start: int, end: int | None) -> GetResult | None:
        """The bytes that were asked for, or None if there are none: S3 refuses a range that has no byte in it."""
        if start == 0 and end is None:
            return await self._answer(obstore.get_async(self._store, blob_id))
        size = (await self._answer(obstore.head_async(self._store, blob_id)))["size"]
        end = size if end is None else min(size, end)
        if start >= end:
            return None
        return await self._answer(obstore.get_async(self._store, blob_id, options={"range": (start, end)}))

    async def remove(self, blob_id: str) -> None:
        """See BlobStore."""
        with suppress(NotFound):  # S3 itself doesn't tell, others may
            await self._answer(obstore.delete_async(self._store, blob_id))

    async def list(self) -> AsyncIterator[str]:
        """See BlobStore."""
        listing = obstore.list(self._store, chunk_size=LISTED_AT_ONCE)
        while found := await self._answer(anext(listing, [])):
            for entry in found:
                if is_blob_id(entry["path"]):
                    yield entry["path"]

    async def _answer(self, request: Awaitable[T]) -> T:
        try:
            return await request
        except FAILURES as error:
            raise translated(error, self._bucket) from error


async def _abort(writer: AsyncWritableFile, error: BaseException) -> None:
    """Let the storage forget the parts that it has. What made it necessary is the error to tell, not a second one."""
    with suppress(*FAILURES):
        await uninterrupted(writer.__aexit__(type(error), error, None))  # the library's only way
