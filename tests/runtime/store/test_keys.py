from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from runtime.store.base import Store
from runtime.values import ApiKey, PageRequest
from tests.runtime.store import records

OLD, NEW = ApiKey("key_b", "old", 1), ApiKey("key_a", "new", 2)


async def test_a_key_is_found_by_its_hash(store: Store) -> None:
    """The record comes back for the hash it was kept under, and for no other."""
    await store.keys.add(OLD, b"\x00hash")
    assert await store.keys.find(b"\x00hash") == OLD
    assert await store.keys.find(b"\x00") is None


async def test_keys_are_listed_oldest_first(store: Store) -> None:
    """The order is that of their making."""
    await store.keys.add(NEW, b"2")
    await store.keys.add(OLD, b"1")
    assert await store.keys.list() == [OLD, NEW]


async def test_a_removed_key_is_no_longer_found(store: Store) -> None:
    """Removal says whether there was something to remove."""
    await store.keys.add(OLD, b"1")
    assert await store.keys.remove(OLD.id)
    assert not await store.keys.remove(OLD.id)
    assert await store.keys.find(b"1") is None


async def test_what_a_removed_key_had_stored_goes(store: Store) -> None:
    """Files, uploads with their parts, and skills go with their owner, and nobody else's."""
    uploads = {}
    for key in (OLD, NEW):
        await store.keys.add(key, key.id.encode())
        await store.files.add(records.file(owner=key.id), records.QUOTA)
        uploads[key.id] = records.upload(owner=key.id)
        await store.uploads.add(uploads[key.id])
        await store.uploads.add_part(key.id, records.part(uploads[key.id].id), records.QUOTA)
        await store.skills.add(*records.skill(owner=key.id), records.QUOTA)
    await store.keys.remove(OLD.id)
    assert await store.blobs.usage(OLD.id) == 0
    assert await store.uploads.find(OLD.id, uploads[OLD.id].id) is None
    assert await store.blobs.usage(NEW.id) == 15
    for owner, there in ((OLD.id, 0), (NEW.id, 1)):
        assert len((await store.files.list(owner, PageRequest(), None, now=1000)).data) == there
        assert len((await store.skills.list(owner, PageRequest())).data) == there
    assert await store.uploads.find(NEW.id, uploads[NEW.id].id) is not None


async def test_what_comes_after_its_key_is_gone(store: Store) -> None:
    """An owner without a key is known by anything that is there of it, and all but its containers can be removed."""
    await store.keys.add(OLD, b"1")
    await store.containers.add(records.container(owner="container's"))
    await store.files.add(records.file(owner="file's"), records.QUOTA)
    await store.uploads.add(records.upload(owner="upload's"))
    await store.skills.add(*records.skill(owner="skill's"), records.QUOTA)
    await store.files.add(records.file(owner=OLD.id), records.QUOTA)
    owners = ["container's", "file's", "skill's", "upload's"]
    assert sorted(await store.keys.ownerless()) == owners
    for owner in owners:
        await store.keys.remove_belongings(owner)
    assert await store.keys.ownerless() == ["container's"]
    assert await store.blobs.usage("file's") == await store.blobs.usage("skill's") == 0
    assert await store.blobs.usage(OLD.id) == 5


async def test_a_hash_is_kept_once(store: Store) -> None:
    """Two records for one key would make its owner ambiguous, so the second is refused."""
    await store.keys.add(OLD, b"1")
    with pytest.raises(IntegrityError):
        await store.keys.add(NEW, b"1")
