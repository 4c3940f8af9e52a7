from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.errors import InvalidInput, NotFound, Unauthenticated
from runtime.keys import REMEMBER_AT_MOST, REMEMBER_FOR, KeyService, RecentKeys, hash_of, mask, new_key
from runtime.store.base import Store
from runtime.store.database import open_store, sqlite_url
from runtime.values import ApiKey

TYPED = "correct-horse-battery"
RECORD = ApiKey("key_1", "mine", 1)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """What it was set to."""
        return self.now


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """An open, empty store."""
    async with open_store(sqlite_url(tmp_path / "sandlot.db")) as opened:
        yield opened


@pytest.fixture
def keys(store: Store) -> KeyService:
    """The service on an empty store."""
    return KeyService(store.keys, store.blobs)


def on_disk(folder: Path) -> bytes:
    """All that is in the database's files."""
    return b"".join(file.read_bytes() for file in folder.glob("sandlot.db*"))


def test_a_new_key_has_256_random_bits() -> None:
    """The prefix tells whose it is; the rest never comes twice."""
    made = {new_key() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"sk-sandlot-[A-Za-z0-9_-]{43}", key) for key in made)


def test_a_masked_key_shows_its_ends() -> None:
    """Five characters and the last four, whatever the length in between."""
    assert mask("sk-sandlot-abcdefghijklmnop1234") == "sk-sa***1234"


@given(st.text())
def test_a_mask_never_gives_a_key_away(key: str) -> None:
    """At most nine characters, none of a short key, nothing that could upset a terminal or a log."""
    shown = mask(key)
    assert re.fullmatch(r"([!-~]{5}\*{3}[!-~]{4})|\*{3}", shown)
    assert (shown == "***") == (len(key) < 16)


async def test_a_created_key_authenticates(keys: KeyService) -> None:
    """The key handed out leads back to its record."""
    record, key = await keys.create("laptop")
    assert record.name == "laptop"
    assert await keys.authenticate(key) == record
    assert await keys.list() == [record]


async def test_the_key_itself_is_nowhere_in_the_database(keys: KeyService, tmp_path: Path) -> None:
    """Only the hash gets to the disk."""
    _, key = await keys.create("laptop")
    kept = on_disk(tmp_path)
    assert hash_of(key) in kept
    assert key.encode() not in kept


async def test_an_unknown_key_is_refused_in_openais_words(keys: KeyService) -> None:
    """The message shows the key masked and says where keys are found."""
    with pytest.raises(Unauthenticated) as caught:
        await keys.authenticate("sk-sandlot-of-somebody-else-1234")
    assert caught.value.message.startswith("Incorrect API key provided: sk-sa***1234. You can find your API key ")


async def test_a_deleted_key_is_refused(store: Store) -> None:
    """By whoever hasn't seen it lately; a second deletion finds nothing."""
    command, service = (KeyService(store.keys, store.blobs) for _ in range(2))
    record, key = await command.create("laptop")
    await command.delete(record.id)
    with pytest.raises(Unauthenticated):
        await service.authenticate(key)
    with pytest.raises(NotFound, match=record.id):
        await command.delete(record.id)


async def test_a_hot_key_needs_no_database(keys: KeyService, store: Store) -> None:
    """Once found, a key is good for a while without a look-up: here its row is already gone."""
    record, key = await keys.create("laptop")
    await keys.authenticate(key)
    await store.keys.remove(record.id)
    assert await keys.authenticate(key) == record


def test_a_key_is_remembered_for_a_while() -> None:
    """Until its time is up, and no longer."""
    clock = Clock()
    recent = RecentKeys(clock)
    recent.put(b"hash", RECORD)
    clock.now = REMEMBER_FOR - 0.1
    assert recent.get(b"hash") == RECORD
    clock.now = REMEMBER_FOR
    assert recent.get(b"hash") is None


def test_only_so_many_keys_are_remembered() -> None:
    """The oldest makes room for the newest."""
    recent = RecentKeys(Clock())
    hashes = [b"%d" % number for number in range(REMEMBER_AT_MOST + 1)]
    for key_hash in hashes:
        recent.put(key_hash, RECORD)
    remembered = [key_hash for key_hash in hashes if recent.get(key_hash)]
    assert remembered == hashes[1:]


async def test_the_first_start_makes_a_key(keys: KeyService) -> None:
    """It is shown once: the second start has nothing to show."""
    key = await keys.ensure(None)
    assert key is not None
    assert (await keys.authenticate(key)).name == "bootstrap"
    assert await keys.ensure(None) is None
    assert len(await keys.list()) == 1


async def test_the_operators_key_is_made_known_once(keys: KeyService) -> None:
    """However often the service starts with it, and beside the keys there are."""
    await keys.create("laptop")
    for _ in range(2):
        assert await keys.ensure(TYPED) is None
    assert (await keys.authenticate(TYPED)).name == "bootstrap"
    assert len(await keys.list()) == 2


@pytest.mark.parametrize("key", ["", "fifteen-letters", "sixteen letters!", "sixteen-letters-ü", "sixteen-letters\n"])
async def test_a_weak_or_unsendable_key_is_refused(keys: KeyService, key: str) -> None:
    """Too short, with a space, beyond ASCII, with a line's end: nothing is kept."""
    with pytest.raises(InvalidInput):
        await keys.ensure(key)
    assert await keys.list() == []
