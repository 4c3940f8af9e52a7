"""Copies of files on their way into a real agent's folder: how many at a time, in which order, and when one fails."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from pathlib import Path

import pytest

from runtime.blobs.folder import FolderBlobStore
from runtime.errors import NotFound
from runtime.file_copies import SENT_AT_A_TIME, FileCopies
from runtime.file_values import File, FilePurpose, FileSpec
from runtime.files import FileService
from runtime.storage import Storage
from runtime.store.base import Store
from runtime.values import FileSource, PageRequest
from tests.runtime.blobs.storages import body
from tests.runtime.link.agents import process_agent
from tests.runtime.link.box import linked
from tests.runtime.store.records import OWNER, container

MIB = 1024**2
SIZES = [3 * MIB, 0, 1, 2 * MIB, 2, 3, MIB, 4, 5, 6, 7, 8]


class WatchedBlobs(FolderBlobStore):
    """A folder of blobs that knows how many it is `reading`: now, and at `most` so far. `began` is set by the first."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.began = asyncio.Event()
        self.reading = self.most = 0

    async def read(self, blob_id: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        """See BlobStore."""
        pieces = self._watched(await super().read(blob_id, start, end))
        await anext(pieces)
        return pieces

    async def _watched(self, pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        self.reading += 1
        self.most = max(self.most, self.reading)
        self.began.set()
        try:
            async with aclosing(pieces):
                yield b""
                async for piece in pieces:
                    yield piece
        finally:
            self.reading -= 1


@pytest.fixture
async def blobs(tmp_path: Path) -> WatchedBlobs:
    """Where the files' bytes are."""
    return await WatchedBlobs.open(tmp_path / "blobs")


@pytest.fixture
def files(store: Store, blobs: WatchedBlobs) -> FileService:
    """The files that there are."""
    return FileService(store.files, Storage(blobs, store.blobs, 100 * MIB), 10 * MIB)


@pytest.fixture
async def wanted(files: FileService) -> Sequence[File]:
    """Files that all have one name, each with another size."""
    named = FileSpec("a.csv", FilePurpose.USER_DATA)
    return [await files.create(OWNER, body(b"x" * size), lambda: named) for size in SIZES]


async def test_names_in_order_and_few_at_a_time(
    store: Store, files: FileService, blobs: WatchedBlobs, wanted: Sequence[File]
) -> None:
    """Files are read some at a time and never more; all get their names in order, and a record as the user's."""
    await store.containers.add(box := container())
    async with process_agent() as agent, linked(agent) as link:
        await FileCopies(files, store.container_files).put_all(wanted, box.id, link.sandbox)
        names = ["a.csv", *(f"a-{number}.csv" for number in range(1, len(SIZES)))]
        assert {entry.name: entry.stat().st_size for entry in os.scandir(agent.root)} == dict(
            zip(names, SIZES, strict=True)
        )
    recorded = (await store.container_files.list(box.id, PageRequest(limit=100))).data
    assert {(file.path, file.size, file.source) for file in recorded} == {
        (f"/mnt/data/{name}".encode(), size, FileSource.USER) for name, size in zip(names, SIZES, strict=True)
    }
    assert 1 < blobs.most <= SENT_AT_A_TIME
    assert blobs.reading == 0


@pytest.mark.parametrize("lost", [0, 3, 11])
async def test_one_that_is_gone(
    store: Store, files: FileService, blobs: WatchedBlobs, wanted: Sequence[File], lost: int
) -> None:
    """A file deleted meanwhile is what the whole fails with, by itself and of its param, and nothing stays open."""
    await files.delete(OWNER, wanted[lost].id)
    await store.containers.add(box := container())
    async with process_agent() as agent, linked(agent) as link:
        with pytest.raises(NotFound, match=wanted[lost].id) as caught:
            await FileCopies(files, store.container_files).put_all(wanted, box.id, link.sandbox)
    assert caught.value.param == "file_ids"
    assert blobs.reading == 0


async def test_cut_short(store: Store, files: FileService, blobs: WatchedBlobs, wanted: Sequence[File]) -> None:
    """When the caller gives up in the middle, nothing stays open and nothing is sent any more."""
    await store.containers.add(box := container())
    async with process_agent() as agent, linked(agent) as link:
        putting = asyncio.create_task(FileCopies(files, store.container_files).put_all(wanted, box.id, link.sandbox))
        await blobs.began.wait()
        putting.cancel()
        with suppress(asyncio.CancelledError):
            await putting
        assert putting.cancelled()
        assert blobs.reading == 0


async def test_each_id_once(store: Store, files: FileService, wanted: Sequence[File]) -> None:
    """Files are found in the order of their ids, one that is there twice once; the first unknown one is named."""
    copies = FileCopies(files, store.container_files)
    first, second, third = (file.id for file in wanted[:3])
    found = await copies.find_all(OWNER, [third, first, third, second, first])
    assert [file.id for file in found] == [third, first, second]
    for owner, ids, param in ((OWNER, [first, first, "x", "y"], "file_ids[2]"), ("key_2", [first], "file_ids[0]")):
        with pytest.raises(NotFound) as caught:
            await copies.find_all(owner, ids)
        assert caught.value.param == param
