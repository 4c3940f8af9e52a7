"""Blobs with their records, on every kind of storage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Set

import pytest

from runtime.errors import QuotaExceeded, TooLarge
from runtime.file_values import Blob, FilePurpose, FileSpec
from runtime.files import new_file
from runtime.ids import new_blob_id
from runtime.storage import Storage
from runtime.store.base import BlobRecords, Store
from tests.runtime.agreement import agreed
from tests.runtime.blobs.storages import Storage as Place
from tests.runtime.blobs.storages import body, joined
from tests.runtime.bodies import EndlessBody, Interruption, PausedBody
from tests.runtime.conftest import QUOTA
from tests.runtime.flaky_blobs import FlakyBlobStore

OWNER = "key_1"
MAX = 50_000


async def keep(
    storage: Storage, store: Store, pieces: AsyncIterable[bytes], owner: str = OWNER, quota: int = QUOTA
) -> Blob:
    """A new blob with a file's record, which is refused beyond `quota`."""
    async with storage.write(owner, pieces, QUOTA) as blob:
        await storage.record(blob, record(store, blob, quota))
    return blob


async def record(store: Store, blob: Blob, quota: int = QUOTA) -> None:
    """Record a blob as a file's."""
    await store.files.add(new_file(FileSpec("a", FilePurpose.EVALS), blob), quota)


async def test_what_is_recorded_stays(storage: Storage, store: Store, place: Place) -> None:
    """A blob with a record is there whole, and any part of it can be read."""
    blob = await keep(storage, store, body(b"some", b" ", b"bytes"))
    assert (blob.owner, blob.size) == (OWNER, 10)
    assert await agreed(place, store) == {blob.id}
    assert await joined(await storage.read(blob.id, 2, 7)) == b"me by"


async def test_what_is_not_recorded_goes(storage: Storage, store: Store, place: Place) -> None:
    """A blob is there within its context, and no longer if nothing was recorded by its end, be that an error or not."""
    async with storage.write(OWNER, body(b"bytes"), MAX) as blob:
        assert place.traces() == [blob.id]
    assert place.traces() == []
    with pytest.raises(Interruption):
        async with storage.write(OWNER, body(b"bytes"), MAX):
            raise Interruption
    assert await agreed(place, store) == set()


async def test_a_record_that_fails(storage: Storage, store: Store, place: Place) -> None:
    """When the record is refused, the bytes go."""
    with pytest.raises(QuotaExceeded):
        await keep(storage, store, body(b"bytes"), quota=4)
    assert await agreed(place, store) == set()


async def test_a_record_that_is_cancelled(storage: Storage, store: Store, place: Place) -> None:
    """A cancellation while the record is made comes when it is there, and so are the bytes."""
    recording, go_on = asyncio.Event(), asyncio.Event()

    async def keep_slowly() -> None:
        async def add(blob: Blob) -> None:
            recording.set()
            await go_on.wait()
            await record(store, blob)

        async with storage.write(OWNER, body(b"bytes"), MAX) as blob:
            await storage.record(blob, add(blob))

    task = asyncio.create_task(keep_slowly())
    await recording.wait()
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(await agreed(place, store)) == 1


async def test_a_body_that_fails(storage: Storage, store: Store, place: Place) -> None:
    """What a body raises comes out, and nothing is left, nor counted."""
    for _ in range(3):
        with pytest.raises(Interruption):
            await keep(storage, store, body(bytes(QUOTA), error=Interruption()))
    assert await agreed(place, store) == set()
    await keep(storage, store, body(bytes(QUOTA)))


async def test_a_body_that_is_cancelled(storage: Storage, store: Store, place: Place) -> None:
    """A cancellation in the middle of a body leaves nothing, and nothing counted."""
    paused = PausedBody(bytes(QUOTA))
    task = asyncio.create_task(keep(storage, store, paused))
    await paused.paused.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await agreed(place, store) == set()
    await keep(storage, store, body(bytes(QUOTA)))


async def test_size_limit(storage: Storage, store: Store, place: Place) -> None:
    """As much as is allowed is in order; one byte more is noticed as soon as it comes, and says what is at fault."""
    async with storage.write(OWNER, body(bytes(MAX - 1), b"x"), MAX) as blob:
        assert blob.size == MAX
    endless = EndlessBody()
    with pytest.raises(TooLarge, match="50000 bytes") as caught:
        async with storage.write(OWNER, endless, MAX, param="file"):
            pass
    assert (caught.value.param, endless.size) == ("file", MAX + 1000)
    assert await agreed(place, store) == set()


async def test_quota(storage: Storage, store: Store, place: Place) -> None:
    """A key may store so much and no more, which is noticed as soon as it comes; other keys have room of their own."""
    first = await keep(storage, store, body(bytes(QUOTA - 5000)))
    endless = EndlessBody()
    with pytest.raises(QuotaExceeded, match="100,000 bytes"):
        await keep(storage, store, endless)
    assert endless.size == 6000
    await keep(storage, store, body(bytes(5000)))
    with pytest.raises(QuotaExceeded):
        await keep(storage, store, body(b"x"))
    await keep(storage, store, body())
    await keep(storage, store, body(bytes(QUOTA)), owner="key_2")
    assert len(await agreed(place, store)) == 4
    assert first.id in place.traces()


async def test_quota_counts_what_is_coming_in(storage: Storage, store: Store, place: Place) -> None:
    """What comes in at the same time counts together, so that a key can't have more on the disk for a while."""
    paused = PausedBody(bytes(60_000))
    task = asyncio.create_task(keep(storage, store, paused))
    await paused.paused.wait()
    with pytest.raises(QuotaExceeded):
        await keep(storage, store, body(bytes(41_000)))
    await keep(storage, store, body(bytes(41_000)), owner="key_2")
    paused.go_on.set()
    await task
    assert not storage._incoming  # nor is anything kept of who once brought something
    assert len(await agreed(place, store)) == 2


async def test_quota_at_the_end(storage: Storage, store: Store, place: Place) -> None:
    """Of two that began while there was room for either, the second to end is refused."""
    first, second = PausedBody(bytes(1000), bytes(55_000)), PausedBody(bytes(1000), bytes(55_000))
    tasks = [asyncio.create_task(keep(storage, store, paused)) for paused in (first, second)]
    for paused in (first, second):
        await paused.paused.wait()
    first.go_on.set()
    kept = await tasks[0]
    second.go_on.set()
    with pytest.raises(QuotaExceeded):
        await tasks[1]
    assert await agreed(place, store) == {kept.id}


async def test_what_replaces_needs_no_room(storage: Storage, store: Store) -> None:
    """A blob that takes the place of others only needs room beyond theirs."""
    await keep(storage, store, body(bytes(QUOTA)))
    async with storage.write(OWNER, body(bytes(40_000)), MAX, replacing=40_000) as blob:
        assert blob.size == 40_000
    with pytest.raises(QuotaExceeded):
        async with storage.write(OWNER, body(bytes(40_000), b"x"), MAX, replacing=40_000):
            pass


async def test_collecting(storage: Storage, store: Store, place: Place, flaky: FlakyBlobStore) -> None:
    """What a crash has left between a blob and its record is removed, all else stays."""
    kept = await keep(storage, store, body(b"kept"))
    await flaky.write(new_blob_id(), body(b"before its record"))
    paused = PausedBody(b"half", b"whole")
    task = asyncio.create_task(keep(storage, store, paused))
    await paused.paused.wait()
    async with storage.write(OWNER, body(b"before its record"), MAX) as blob:
        await storage.collect()
        assert blob.id in place.traces()
        paused.go_on.set()
        later = await task
    await storage.collect()
    assert await agreed(place, store) == {kept.id, later.id}


class InterruptedRecords:
    """Records that are read, and then something happens before the answer is there."""

    def __init__(self, records: BlobRecords, meanwhile: Callable[[], Awaitable[object]]) -> None:
        self._records = records
        self._meanwhile = meanwhile

    async def ids(self) -> Set[str]:
        """See BlobRecords."""
        ids = await self._records.ids()
        await self._meanwhile()
        return ids

    async def usage(self, owner: str) -> int:
        """See BlobRecords."""
        return await self._records.usage(owner)


async def test_collecting_meets_what_is_just_recorded(store: Store, place: Place) -> None:
    """A blob whose record comes while the records are read isn't taken for one without."""
    recorded = asyncio.Event()

    async def meanwhile() -> None:
        recorded.set()
        await task

    storage = Storage(await place.open(), InterruptedRecords(store.blobs, meanwhile), QUOTA)

    async def keep_slowly() -> None:
        async with storage.write(OWNER, body(b"bytes"), MAX) as blob:
            written.set()
            await recorded.wait()
            await storage.record(blob, record(store, blob))

    written = asyncio.Event()
    task = asyncio.create_task(keep_slowly())
    await written.wait()
    await storage.collect()
    assert len(await agreed(place, store)) == 1


async def test_a_removal_that_fails(storage: Storage, store: Store, place: Place, flaky: FlakyBlobStore) -> None:
    """Bytes that can't be removed now are no error of what was asked for, and go with the next collection."""
    kept = await keep(storage, store, body(b"kept"))
    flaky.stuck = True
    with pytest.raises(Interruption):
        async with storage.write(OWNER, body(b"left"), MAX):
            raise Interruption
    await storage.remove([new_blob_id()])
    await storage.collect()
    assert len(place.traces()) == 2
    flaky.stuck = False
    await storage.collect()
    assert await agreed(place, store) == {kept.id}


async def test_a_dead_storage_is_not_asked_for_each_blob(storage: Storage, flaky: FlakyBlobStore) -> None:
    """Whoever removes many blobs waits for the storage to fail once only."""
    flaky.stuck = True
    await storage.remove([new_blob_id() for _ in range(100)])
    assert flaky.refused == 1
