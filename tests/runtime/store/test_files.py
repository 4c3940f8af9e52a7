from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from runtime.errors import NotFound
from runtime.file_values import File, FilePurpose
from runtime.store.base import Store
from runtime.values import PageRequest
from tests.runtime.store.records import OWNER, QUOTA, file

NOW = 2000


async def keep(store: Store, *files: File) -> None:
    """Add files that there is room for."""
    for each in files:
        await store.files.add(each, QUOTA)


@pytest.mark.parametrize("purpose", list(FilePurpose))
async def test_a_file_comes_back_as_it_was_kept(store: Store, purpose: FilePurpose) -> None:
    """Every field survives the database, and the name is whatever the caller gave."""
    kept = replace(file(purpose=purpose, size=2**40, expires_at=2**33), filename='naïve "🐚"\n/../\x00.csv')
    await store.files.add(kept, 2**40)
    assert await store.files.find(OWNER, kept.id) == kept


async def test_many_are_found_at_once(store: Store) -> None:
    """Those that are there, each once, the owner's alone, and expired ones too; of no ids there are none."""
    first, expired, other = file(), file(expires_at=1), file(owner="key_2")
    await keep(store, first, expired, other, file())
    found = await store.files.find_all(OWNER, [expired.id, "file-unknown", first.id, other.id, first.id])
    assert sorted(found, key=lambda each: each.id) == sorted([first, expired], key=lambda each: each.id)
    assert await store.files.find_all(OWNER, []) == []


async def test_only_the_owner_finds_or_removes_a_file(store: Store) -> None:
    """Somebody else's file is as good as none."""
    kept = file(owner="key_2")
    await keep(store, kept)
    assert await store.files.find(OWNER, kept.id) is None
    assert await store.files.remove(OWNER, kept.id) is None
    assert await store.files.find("key_2", kept.id) == kept


async def test_removal_tells_the_blob(store: Store) -> None:
    """The file is gone, its bytes no longer count, and a second removal finds nothing."""
    gone, stays = file(size=7), file(size=5)
    await keep(store, gone, stays)
    assert await store.files.remove(OWNER, gone.id) == gone.blob_id
    assert await store.files.remove(OWNER, gone.id) is None
    assert await store.files.find(OWNER, gone.id) is None
    assert await store.blobs.usage(OWNER) == 5


async def test_of_many_removals_one_gets_the_blob(store: Store) -> None:
    """Twenty at once, and its bytes are one caller's to remove."""
    kept = file()
    await keep(store, kept)
    removed = await asyncio.gather(*(store.files.remove(OWNER, kept.id) for _ in range(20)))
    assert [blob_id for blob_id in removed if blob_id is not None] == [kept.blob_id]


async def test_the_list_can_be_narrowed_to_a_purpose(store: Store) -> None:
    """Without a purpose all of the owner's files, with one those alone."""
    data, batch = file(created_at=1), file(created_at=2, purpose=FilePurpose.BATCH)
    await keep(store, data, batch, file(owner="key_2", purpose=FilePurpose.BATCH))
    assert (await store.files.list(OWNER, PageRequest(), None, NOW)).data == [batch, data]
    assert (await store.files.list(OWNER, PageRequest(), FilePurpose.BATCH, NOW)).data == [batch]
    assert (await store.files.list(OWNER, PageRequest(), FilePurpose.EVALS, NOW)).data == []


async def test_a_cursor_may_have_another_purpose_than_the_list(store: Store) -> None:
    """With `purpose`, the list goes on after any file of the owner."""
    batch, cursor = file(created_at=1, purpose=FilePurpose.BATCH), file(created_at=2)
    await keep(store, batch, cursor)
    page = await store.files.list(OWNER, PageRequest(after=cursor.id), FilePurpose.BATCH, NOW)
    assert page.data == [batch]


async def test_expired_files_are_not_listed(store: Store) -> None:
    """From the very second on they are neither in the list nor a place to go on from."""
    expired, stays = file(expires_at=NOW), file(expires_at=NOW + 1)
    await keep(store, expired, stays)
    assert (await store.files.list(OWNER, PageRequest(), None, NOW)).data == [stays]
    with pytest.raises(NotFound, match=expired.id) as caught:
        await store.files.list(OWNER, PageRequest(after=expired.id), None, NOW)
    assert caught.value.param == "after"


async def test_another_owners_cursor_is_not_found(store: Store) -> None:
    """One can't go on after somebody else's file, as if it did not exist."""
    other = file(owner="key_2")
    await keep(store, other)
    with pytest.raises(NotFound, match=other.id):
        await store.files.list(OWNER, PageRequest(after=other.id), None, NOW)


async def test_due_are_the_files_whose_time_is_up(store: Store) -> None:
    """Of all owners, due from the very second on, the longest overdue first."""
    just, overdue = file(expires_at=NOW), file(owner="key_2", expires_at=NOW - 10)
    await keep(store, just, overdue, file(expires_at=NOW + 1), file())
    assert await store.files.due(NOW) == [overdue, just]
