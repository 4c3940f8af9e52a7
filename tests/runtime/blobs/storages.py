"""The storages that the tests of blobs run on, and what can be seen of them from behind."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Protocol

from runtime.blobs.base import BlobStore
from runtime.blobs.folder import FolderBlobStore
from runtime.blobs.s3 import S3BlobStore
from tests.s3 import S3Server


class Storage(Protocol):
    """A place for blobs, empty at first."""

    async def open(self) -> BlobStore:
        """A store in it; several may be open at once."""

    def traces(self) -> list[str]:
        """The names of everything that is kept in it, whole or not."""


class FolderStorage:
    """A folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def open(self) -> BlobStore:
        """See Storage."""
        return await FolderBlobStore.open(self._folder)

    def traces(self) -> list[str]:
        """See Storage."""
        return [path.name for path in self._folder.rglob("*") if path.is_file()]


class S3Storage:
    """A prefix of its own in a server's bucket."""

    def __init__(self, server: S3Server) -> None:
        self._server = server
        self._prefix = f"blobs/{uuid.uuid4().hex}"

    async def open(self) -> BlobStore:
        """See Storage."""
        return await S3BlobStore.connect(
            self._server.bucket,
            prefix=self._prefix,
            endpoint=self._server.endpoint,
            access_key=self._server.access_key,
            secret_key=self._server.secret_key,
        )

    def traces(self) -> list[str]:
        """See Storage."""
        keys = self._server.objects(self._prefix) + self._server.uploads(self._prefix)
        return [key.rpartition("/")[2] for key in keys]


async def body(*pieces: bytes, error: BaseException | None = None) -> AsyncIterator[bytes]:
    """A body in pieces; after them it fails, if an error is given."""
    for piece in pieces:
        yield piece
    if error is not None:
        raise error


async def content(blobs: BlobStore, blob_id: str, start: int = 0, end: int | None = None) -> bytes:
    """What is read of a blob."""
    async with aclosing(await blobs.read(blob_id, start, end)) as pieces:
        return await joined(pieces)


async def joined(pieces: AsyncIterable[bytes]) -> bytes:
    """All pieces, none of which may be empty."""
    found = [piece async for piece in pieces]
    assert all(found)
    return b"".join(found)


async def listed(blobs: BlobStore) -> set[str]:
    """The ids of all blobs; each is told once."""
    found = [blob_id async for blob_id in blobs.list()]
    assert len(set(found)) == len(found)
    return set(found)
