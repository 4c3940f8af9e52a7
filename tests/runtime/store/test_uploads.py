from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

import pytest

from runtime.errors import QuotaExceeded
from runtime.file_values import FilePurpose, FileSpec, Upload, UploadSpec, UploadStatus
from runtime.store.base import Store
from runtime.store.database import open_store, sqlite_url
from tests.runtime.store.records import OWNER, QUOTA, file, part, upload

CANCELLED: Final = UploadStatus.CANCELLED
EXPIRED: Final = UploadStatus.EXPIRED


@pytest.fixture
async def pending(store: Store) -> Upload:
    """An upload without parts."""
    kept = upload()
    await store.uploads.add(kept)
    return kept


async def test_an_upload_comes_back_as_it_was_kept(store: Store) -> None:
    """Every field survives the database, what is announced of the file included."""
    announced = UploadSpec(FileSpec("naïve.bin", FilePurpose.EVALS, 3600), size=2**33, mime_type="a/b")
    kept = replace(upload(), spec=announced)
    await store.uploads.add(kept)
    assert await store.uploads.find(OWNER, kept.id) == kept


async def test_only_the_owner_finds_an_upload(store: Store, pending: Upload) -> None:
    """Somebody else neither finds it nor adds to it."""
    assert await store.uploads.find("key_2", pending.id) is None
    assert not await store.uploads.add_part("key_2", part(pending.id), QUOTA)
    assert await store.uploads.parts(pending.id) == []
    assert await store.uploads.find(OWNER, pending.id) == pending


async def test_parts_come_back_in_the_order_of_their_making(store: Store, pending: Upload) -> None:
    """Those of this upload alone, with the size of each."""
    other = upload()
    await store.uploads.add(other)
    second, first = part(pending.id, created_at=2, size=2**33), part(pending.id, created_at=1)
    for each in (second, first, part(other.id)):
        assert await store.uploads.add_part(OWNER, each, 2**34)
    assert await store.uploads.parts(pending.id) == [first, second]


async def test_a_completed_upload_is_its_file(store: Store, pending: Upload) -> None:
    """The file is there, the parts are gone, and their bytes count once: there is room for one of the two only."""
    parts = [part(pending.id), part(pending.id)]
    for each in parts:
        await store.uploads.add_part(OWNER, each, QUOTA)
    made = file(size=10)
    removed = await store.uploads.complete(pending.id, made, 10)
    assert removed is not None
    assert sorted(removed) == sorted(each.blob_id for each in parts)
    assert await store.uploads.parts(pending.id) == []
    assert await store.files.find(OWNER, made.id) == made
    completed = replace(pending, status=UploadStatus.COMPLETED, file=made)
    assert await store.uploads.find(OWNER, pending.id) == completed
    assert await store.blobs.usage(OWNER) == 10


async def test_a_completed_upload_outlives_its_file(store: Store, pending: Upload) -> None:
    """Once the file is removed, the upload's record no longer speaks of it."""
    made = file()
    await store.uploads.complete(pending.id, made, QUOTA)
    await store.files.remove(OWNER, made.id)
    assert await store.uploads.find(OWNER, pending.id) == replace(pending, status=UploadStatus.COMPLETED)


async def test_a_file_that_there_is_no_room_for_leaves_the_upload_as_it_was(store: Store, pending: Upload) -> None:
    """It is still pending, with its parts, and can be completed later."""
    added = part(pending.id)
    await store.uploads.add_part(OWNER, added, QUOTA)
    made = file(size=6)
    with pytest.raises(QuotaExceeded):
        await store.uploads.complete(pending.id, made, 5)
    assert await store.uploads.find(OWNER, pending.id) == pending
    assert await store.uploads.parts(pending.id) == [added]
    assert await store.blobs.ids() == {added.blob_id}
    assert await store.uploads.complete(pending.id, made, 6) == [added.blob_id]


@pytest.mark.parametrize("status", [CANCELLED, EXPIRED])
async def test_a_closed_upload_has_no_parts(
    store: Store, pending: Upload, status: Literal[UploadStatus.CANCELLED, UploadStatus.EXPIRED]
) -> None:
    """Their bytes no longer count and are the caller's to remove."""
    added = part(pending.id)
    await store.uploads.add_part(OWNER, added, QUOTA)
    assert await store.uploads.close(pending.id, status) == [added.blob_id]
    assert await store.uploads.find(OWNER, pending.id) == replace(pending, status=status)
    assert await store.blobs.usage(OWNER) == 0


async def test_what_is_not_pending_takes_nothing_more(store: Store, pending: Upload) -> None:
    """No part, no completion, no other end; neither does an upload that is not known."""
    await store.uploads.close(pending.id, CANCELLED)
    for upload_id in (pending.id, "upload_unknown"):
        assert not await store.uploads.add_part(OWNER, part(upload_id), QUOTA)
        assert await store.uploads.complete(upload_id, file(), QUOTA) is None
        assert await store.uploads.close(upload_id, EXPIRED) is None
    assert await store.uploads.find(OWNER, pending.id) == replace(pending, status=CANCELLED)
    assert await store.blobs.ids() == set()


async def test_of_many_ends_one_wins(store: Store, pending: Upload, database_file: Path) -> None:
    """Completed and cancelled by two services at once, an upload has one end, and its part's blob one remover."""
    added = part(pending.id)
    await store.uploads.add_part(OWNER, added, QUOTA)
    async with open_store(sqlite_url(database_file)) as other:
        ends: list[Awaitable[object]] = []
        for each in (store, other) * 5:
            ends += [each.uploads.close(pending.id, CANCELLED), each.uploads.complete(pending.id, file(), QUOTA)]
        results = await asyncio.gather(*ends)
    assert [result for result in results if result is not None] == [[added.blob_id]]


async def test_no_part_is_left_behind(store: Store, pending: Upload, database_file: Path) -> None:
    """Of parts that come while an upload is cancelled, each is either refused or among those to be removed."""
    parts = [part(pending.id) for _ in range(20)]
    async with open_store(sqlite_url(database_file)) as other:
        adding = [
            each.uploads.add_part(OWNER, new, QUOTA) for each, new in zip((store, other) * 10, parts, strict=True)
        ]
        kept, removed = await asyncio.gather(
            asyncio.gather(*adding), asyncio.create_task(store.uploads.close(pending.id, CANCELLED))
        )
    assert removed is not None
    assert set(removed) == {new.blob_id for new, added in zip(parts, kept, strict=True) if added}
    assert await store.blobs.ids() == set()


async def test_due_are_the_pending_ones_whose_time_is_up(store: Store) -> None:
    """Due from the very second on, the longest overdue first; one that has ended is not."""
    just, overdue, ended, later = (upload(expires_at=each) for each in (2000, 1990, 1990, 2001))
    for each in (just, overdue, ended, later):
        await store.uploads.add(each)
    await store.uploads.close(ended.id, CANCELLED)
    assert await store.uploads.due(2000) == [overdue, just]
