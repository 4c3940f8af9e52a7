"""What every storage of blobs has to do: keep them whole or not at all, give them back byte for byte."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from runtime.blobs.base import BlobStore
from runtime.blobs.s3 import PART
from runtime.errors import NotFound
from runtime.ids import new_blob_id
from runtime.pieces import PIECE
from tests.memory import MIB, growth
from tests.runtime.blobs.storages import Storage, body, content, joined, listed

SIZES = [0, 1, PIECE - 1, PIECE, PIECE + 1, PART - 1, PART, PART + 1, 3 * PART + 17]
LARGE = 200 * MIB
ALLOWED = 64 * MIB


class Interruption(Exception):
    """What a body fails with."""


@pytest.mark.parametrize("size", SIZES)
async def test_any_size(blobs: BlobStore, storage: Storage, size: int) -> None:
    """A blob of any size comes back byte for byte, also from a store that is opened later."""
    blob_id, data = new_blob_id(), os.urandom(size)
    assert await blobs.write(blob_id, body(data)) == size
    assert await content(blobs, blob_id) == data
    assert await content(await storage.open(), blob_id) == data
    assert storage.traces() == [blob_id]


@pytest.mark.parametrize("largest", [1, 100, 70_000, 3 * PIECE])
async def test_any_pieces(blobs: BlobStore, largest: int) -> None:
    """However a body is cut into pieces, some of them empty, the blob is the whole of it."""
    pieces = [os.urandom(size) for size in (0, largest, largest // 2, 1, largest // 7, 0)] * 8
    blob_id = new_blob_id()
    assert await blobs.write(blob_id, body(*pieces)) == sum(map(len, pieces))
    assert await content(blobs, blob_id) == b"".join(pieces)


async def test_ranges(blobs: BlobStore) -> None:
    """Any part can be read; a part that is empty, or beyond the end, has no bytes and is no error."""
    data = os.urandom(2 * PIECE + 100)
    blob_id = new_blob_id()
    await blobs.write(blob_id, body(data))
    edges = [0, 1, 99, PIECE, PIECE + 1, len(data) - 1, len(data), len(data) + 1, 10 * len(data)]
    for start in edges:
        for end in (None, *edges):
            assert (
                await content(blobs, blob_id, start, end) == data[start : max(start, len(data) if end is None else end)]
            )


async def test_ranges_of_nothing(blobs: BlobStore) -> None:
    """An empty blob has no bytes, whichever are asked for."""
    blob_id = new_blob_id()
    await blobs.write(blob_id, body())
    for start, end in [(0, None), (0, 0), (0, 5), (3, 5), (3, None)]:
        assert await content(blobs, blob_id, start, end) == b""


@pytest.mark.parametrize(("start", "end"), [(0, None), (0, 0), (0, 5), (7, None)])
async def test_missing(blobs: BlobStore, start: int, end: int | None) -> None:
    """That there is no such blob is known before anything is read, also when it was there before."""
    blob_id = new_blob_id()
    with pytest.raises(NotFound):
        await blobs.read(blob_id, start, end)
    await blobs.write(blob_id, body(b"x"))
    await blobs.remove(blob_id)
    with pytest.raises(NotFound):
        await blobs.read(blob_id, start, end)


async def test_remove(blobs: BlobStore, storage: Storage) -> None:
    """A removed blob leaves no trace and the others alone; removing it again, or at the same time, does no harm."""
    blob_id, other = new_blob_id(), new_blob_id()
    await blobs.write(blob_id, body(b"x"))
    await blobs.write(other, body(b"y"))
    await asyncio.gather(*(blobs.remove(blob_id) for _ in range(4)))
    await blobs.remove(blob_id)
    assert storage.traces() == [other]
    assert await content(blobs, other) == b"y"


async def test_list(blobs: BlobStore) -> None:
    """All blobs are listed, more than fit into one answer of the storage, and no removed ones."""
    assert await listed(blobs) == set()
    written = [new_blob_id() for _ in range(250)]
    await asyncio.gather(*(blobs.write(blob_id, body(b"x")) for blob_id in written))
    assert await listed(blobs) == set(written)
    await asyncio.gather(*(blobs.remove(blob_id) for blob_id in written[:200]))
    assert await listed(blobs) == set(written[200:])


@pytest.mark.parametrize("size", [0, 100, 2 * PIECE, 3 * PART])
async def test_a_body_that_fails(blobs: BlobStore, storage: Storage, size: int) -> None:
    """What the body raises comes out as it is, an OSError too, and nothing is kept."""
    for error in (Interruption(), OSError("the client left"), NotFound("of something else")):
        with pytest.raises(type(error)) as caught:
            await blobs.write(new_blob_id(), body(os.urandom(size), error=error))
        assert caught.value is error
    assert storage.traces() == []


@pytest.mark.parametrize("size", [0, 100, 2 * PIECE, 3 * PART])
async def test_a_write_that_is_cancelled(blobs: BlobStore, storage: Storage, size: int) -> None:
    """A cancellation while the body is waited for leaves nothing; until then the blob is neither listed nor read."""
    waiting = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield os.urandom(size)
        waiting.set()
        await asyncio.Event().wait()

    blob_id = new_blob_id()
    task = asyncio.create_task(blobs.write(blob_id, endless()))
    await waiting.wait()
    assert await listed(blobs) == set()
    with pytest.raises(NotFound):
        await blobs.read(blob_id)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert storage.traces() == []


@pytest.mark.parametrize("size", [100, 3 * PART])
async def test_a_write_that_is_cancelled_anywhere(blobs: BlobStore, storage: Storage, size: int) -> None:
    """Whatever a write is at when it is cancelled, twice even, the blob is whole if it returned, or without a trace."""
    data, first = os.urandom(size), new_blob_id()
    before = time.monotonic()
    await blobs.write(first, body(data))
    took = time.monotonic() - before
    finished = {first}
    for number in range(50):
        blob_id = new_blob_id()
        task = asyncio.create_task(blobs.write(blob_id, body(data)))
        await asyncio.sleep(took * number / 40)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
            finished.add(blob_id)
    assert set(storage.traces()) == finished


async def test_at_once(blobs: BlobStore) -> None:
    """Blobs that are written and read at the same time don't mix."""
    written = {new_blob_id(): os.urandom(size) for size in (10, PIECE, PART + 1) * 6}

    async def there_and_back(blob_id: str) -> None:
        await blobs.write(blob_id, body(written[blob_id]))
        assert await asyncio.gather(*(content(blobs, blob_id) for _ in range(2))) == [written[blob_id]] * 2

    await asyncio.gather(*map(there_and_back, written))
    assert await listed(blobs) == set(written)


async def test_removed_while_it_is_read(blobs: BlobStore) -> None:
    """Who has opened a blob reads all of it, although it is removed before the first byte or after some."""
    data = os.urandom(20 * MIB)
    blob_id = new_blob_id()
    await blobs.write(blob_id, body(data))
    late, early = await blobs.read(blob_id), await blobs.read(blob_id, 5, len(data) - 5)
    first = await anext(late)
    await blobs.remove(blob_id)
    assert first + await joined(late) == data
    assert await joined(early) == data[5:-5]


async def test_reading_that_is_given_up(blobs: BlobStore) -> None:
    """A reader may stop before the first piece, or after it, and holds nothing open."""
    blob_id = new_blob_id()
    await blobs.write(blob_id, body(os.urandom(20 * MIB)))
    before = len(os.listdir("/proc/self/fd"))
    for pieces in (0, 1, 2):
        for _ in range(20):
            reading = await blobs.read(blob_id)
            for _ in range(pieces):
                await anext(reading)
            await reading.aclose()
    assert len(os.listdir("/proc/self/fd")) < before + 20


async def test_memory(blobs: BlobStore) -> None:
    """A large blob is never held in memory, neither on its way in nor, with a slow reader, on its way out."""
    blob_id, piece = new_blob_id(), os.urandom(64 * 1024)
    await blobs.write(new_blob_id(), body(os.urandom(PART * 2)))
    with growth(os.getpid(), "200 MiB to a storage and back") as grown:
        assert await blobs.write(blob_id, body(*[piece] * (LARGE // len(piece)))) == LARGE
        size = 0
        async for data in await blobs.read(blob_id):
            assert len(data) < 2 * PIECE
            size += len(data)
        assert size == LARGE
    assert grown() < ALLOWED
    await blobs.remove(blob_id)
