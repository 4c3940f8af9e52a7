from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from runtime.store.base import Store
from runtime.values import ApiKey

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


async def test_a_hash_is_kept_once(store: Store) -> None:
    """Two records for one key would make its owner ambiguous, so the second is refused."""
    await store.keys.add(OLD, b"1")
    with pytest.raises(IntegrityError):
        await store.keys.add(NEW, b"1")
