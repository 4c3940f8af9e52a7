"""Copies of files on their way into a real agent's folder: how many at a time, in which order, and when one fails."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing, suppress
from pathlib import Path

import pytest

from runtime.blobs.folder import FolderBlobStore
from runtime.errors import AgentMisbehaved, NotFound
from runtime.file_copies import SENT_AT_A_TIME, FileCopies
from runtime.file_values import File, FilePurpose, FileSpec
from runtime.files import FileService
from runtime.link.frames import AMOUNT, COUNT, CREDIT, DATA, END, Frame, decode_number, encode
from runtime.storage import Storage
from runtime.store.base import Store
from runtime.values import FileSource, PageRequest
from tests.runtime.blobs.storages import body
from tests.runtime.link.agents import process_agent
from tests.runtime.link.box import linked
from tests.runtime.link.hostile import HostileStream, sandbox_of, whole
from tests.runtime.store.records import OWNER, container, file

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


class PatientAgent:
    """Takes files, and says what became of them once `count` of them have ended: of the last one, what `last` says.

    `sizes` are theirs, in the order in which they ended.
    """

    def __init__(self, count: int, last: dict[str, object] | None = None) -> None:
        self.sizes: list[int] = []
        self._count = count
        self._last = last
        self._ended: list[int] = []

    def __call__(self, frame: Frame) -> Iterable[bytes]:
        """See Answer."""
        if frame.kind == DATA:
            return [encode(CREDIT, frame.channel, AMOUNT.pack(len(frame.payload)))]
        if frame.kind == END:
            self.sizes.append(decode_number(COUNT, frame.payload))
            self._ended.append(frame.channel)
        return self._answers() if len(self._ended) == self._count else []

    def _answers(self) -> Iterable[bytes]:
        answers = [{"path": str(place), "size": size} for place, size in enumerate(self.sizes)]
        if self._last is not None:
            answers[-1] = self._last
        for channel, answer in zip(self._ended, answers, strict=True):
            yield from whole(channel, answer)


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


async def test_no_answer_is_waited_for(store: Store, files: FileService, wanted: Sequence[File]) -> None:
    """An agent that answers nothing before the last file has its name is sent them all, and they end in order."""
    await store.containers.add(box := container())
    agent = PatientAgent(len(wanted))
    sandbox = await sandbox_of(HostileStream(agent))
    await FileCopies(files, store.container_files).put_all(wanted, box.id, sandbox)
    assert agent.sizes == SIZES
    recorded = (await store.container_files.list(box.id, PageRequest(limit=100))).data
    assert {file.path for file in recorded} == {f"/mnt/data/{place}".encode() for place in range(len(wanted))}


@pytest.mark.parametrize("lie", [{"path": "../etc", "size": 1}, {"path": "a"}, {"path": "a", "size": -1}, {}], ids=str)
async def test_an_agent_that_lies_of_one(
    store: Store, files: FileService, wanted: Sequence[File], lie: dict[str, object]
) -> None:
    """What isn't a file's path and size is refused, though all the others are, and none of them is recorded."""
    await store.containers.add(box := container())
    sandbox = await sandbox_of(HostileStream(PatientAgent(len(wanted), last=lie)))
    with pytest.raises(AgentMisbehaved):
        await FileCopies(files, store.container_files).put_all(wanted, box.id, sandbox)
    assert (await store.container_files.list(box.id, PageRequest())).data == []


async def test_expired_files_are_not_found(store: Store, files: FileService, wanted: Sequence[File]) -> None:
    """A file whose time is up is as good as none, although its record is still there."""
    await store.files.add(expired := file(expires_at=1), 100 * MIB)
    with pytest.raises(NotFound, match=expired.id) as caught:
        await FileCopies(files, store.container_files).find_all(OWNER, [wanted[0].id, expired.id])
    assert caught.value.param == "file_ids[1]"


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
