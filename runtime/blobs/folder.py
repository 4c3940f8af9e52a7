"""Blobs in a local folder."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from runtime.blobs.incoming_file import IncomingFile, remove_abandoned, sync_folder
from runtime.blobs.outgoing_file import OutgoingFile
from runtime.disk import on_disk
from runtime.errors import StorageUnavailable
from runtime.ids import is_blob_id
from runtime.pieces import gathered

T = TypeVar("T")

# By an id's first two digits, so that no folder gets millions of entries.
SUBFOLDERS = [f"{number:02x}" for number in range(256)]
INCOMING = "incoming"


class FolderBlobStore:
    """Implements runtime.blobs.base.BlobStore.

    A blob is a file that is written in `incoming/` and then moved to its place, `4f/4f53...`: what is there is whole.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    async def open(cls, folder: Path) -> Self:
        """The store in that folder, which is made if need be. What a crash has left half written is removed."""
        await _off_loop(partial(_prepare, folder))
        return cls(folder)

    async def write(self, blob_id: str, pieces: AsyncIterable[bytes]) -> int:
        """See BlobStore."""
        size = 0
        file = IncomingFile(self._folder / INCOMING / blob_id)
        try:
            await _off_loop(file.open)
            async for data in gathered(pieces):
                size += len(data)
                await _off_loop(partial(file.write, data))
            await _off_loop(partial(file.keep, self._path(blob_id)))
        except BaseException:
            await _off_loop(file.discard)
            raise
        return size

    async def read(self, blob_id: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        """See BlobStore."""
        pieces = _pieces(OutgoingFile(self._path(blob_id), start, end))
        await anext(pieces)  # opens the file; and what has begun is also closed when it is never read
        return pieces

    async def remove(self, blob_id: str) -> None:
        """See BlobStore."""
        await _off_loop(partial(self._path(blob_id).unlink, missing_ok=True))

    async def list(self) -> AsyncIterator[str]:
        """See BlobStore."""
        for subfolder in SUBFOLDERS:
            for name in await _off_loop(partial(os.listdir, self._folder / subfolder)):
                if is_blob_id(name):
                    yield name

    def _path(self, blob_id: str) -> Path:
        return self._folder / blob_id[:2] / blob_id


def _prepare(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in (INCOMING, *SUBFOLDERS):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder)
    sync_folder(folder.parent)
    remove_abandoned(folder / INCOMING)


async def _pieces(file: OutgoingFile) -> AsyncGenerator[bytes]:
    """First an empty piece, once the file is open; then the bytes."""
    try:
        data = await _off_loop(file.open)
        yield b""
        if data:
            yield data
        while file.is_open:
            yield await _off_loop(file.read)
    finally:
        if file.is_open:
            await _off_loop(file.close)


async def _off_loop(call: Callable[[], T]) -> T:
    """Make a blocking call on a thread, to its end, in the runtime's errors."""
    try:
        return await on_disk(call, full="The blob storage has no room left.")
    except OSError as error:
        raise StorageUnavailable(f"The blob storage failed: {error}") from error
