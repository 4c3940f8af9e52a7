from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from runtime.errors import QuotaExceeded
from runtime.store.base import Store
from runtime.store.database import open_store, sqlite_url
from tests.runtime.store.records import OWNER, QUOTA, file, part, skill, skill_version, upload

Add = Callable[[int], Awaitable[object]]


async def a_file(store: Store, size: int) -> Add:
    """A file that is still to be added under a quota."""
    return partial(store.files.add, file(size=size))


async def a_part(store: Store, size: int) -> Add:
    """A part of a new upload that is still to be added."""
    pending = upload()
    await store.uploads.add(pending)
    return partial(store.uploads.add_part, OWNER, part(pending.id, size=size))


async def a_completion(store: Store, size: int) -> Add:
    """A new upload that is still to be completed."""
    pending = upload()
    await store.uploads.add(pending)
    return partial(store.uploads.complete, pending.id, file(size=size))


async def a_skill(store: Store, size: int) -> Add:
    """A skill that is still to be added."""
    return partial(store.skills.add, *skill(size=size))


async def a_skill_version(store: Store, size: int) -> Add:
    """A version of a new skill that is still to be added; the skill's first version has no bytes at all."""
    owned, first = skill(size=0)
    await store.skills.add(owned, first, QUOTA)
    draft = skill_version(owned.id, size=size)
    return lambda quota: store.skills.add_version(OWNER, draft, make_default=True, quota=quota)


ALL = pytest.mark.parametrize("prepare", [a_file, a_part, a_completion, a_skill, a_skill_version])
Prepare = Callable[[Store, int], Awaitable[Add]]


@ALL
async def test_a_quota_is_filled_to_the_last_byte(store: Store, prepare: Prepare) -> None:
    """What fits exactly is kept; of what is one byte too large nothing is, and the error names the limit."""
    fits, too_large, fits_too = [await prepare(store, size) for size in (1000, 501, 500)]
    await fits(1000)
    kept = await store.blobs.ids()
    with pytest.raises(QuotaExceeded, match="1,500 bytes") as caught:
        await too_large(1500)
    assert caught.value.code == "storage_quota_exceeded"
    assert await store.blobs.ids() == kept
    await fits_too(1500)
    assert await store.blobs.usage(OWNER) == 1500
    assert len(await store.blobs.ids()) == len(kept) + 1


@ALL
async def test_a_quota_holds_for_many_at_once(store: Store, prepare: Prepare, database_file: Path) -> None:
    """Of twenty, from two services at once, exactly those are kept that there is room for."""
    async with open_store(sqlite_url(database_file)) as other:
        prepared = [await prepare(each, 10) for each in (store, other) for _ in range(10)]
        results = await asyncio.gather(*(add(75) for add in prepared), return_exceptions=True)
    refused = [result for result in results if isinstance(result, BaseException)]
    assert [type(error) for error in refused] == [QuotaExceeded] * 13
    assert await store.blobs.usage(OWNER) == 70


async def test_each_owner_has_a_quota_of_its_own(store: Store) -> None:
    """Somebody else's blobs take no room, and an owner without any uses nothing."""
    await store.files.add(file(owner="key_2", size=2**40), 2**40)
    assert await store.blobs.usage(OWNER) == 0
    await store.files.add(file(size=5), 5)
    assert (await store.blobs.usage(OWNER), await store.blobs.usage("key_2")) == (5, 2**40)


async def test_the_ids_are_those_of_all_owners(store: Store) -> None:
    """Whatever kind of record a blob has, it is known as long as that record is there."""
    kept, (owned, first), pending = file(owner="key_2"), skill(), upload()
    assert await store.blobs.ids() == set()
    await store.files.add(kept, QUOTA)
    await store.skills.add(owned, first, QUOTA)
    await store.uploads.add(pending)
    added = part(pending.id)
    await store.uploads.add_part(OWNER, added, QUOTA)
    assert await store.blobs.ids() == {kept.blob_id, first.blob_id, added.blob_id}
    await store.files.remove("key_2", kept.id)
    assert await store.blobs.ids() == {first.blob_id, added.blob_id}
