from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.errors import NotFound
from runtime.store.base import SeenFile, Store
from runtime.store.container_files import KnownFile, changes
from runtime.store.database import open_store, sqlite_url
from runtime.values import ContainerFile, FileSource, PageRequest
from tests.runtime.store.records import container, container_file

PATHS = st.sampled_from([b"/mnt/data/" + bytes([byte]) for byte in range(6)])
SEEN = st.lists(st.builds(SeenFile, PATHS, st.integers(0, 3), st.just(1)))


@pytest.fixture
async def container_id(store: Store) -> str:
    """A container without files."""
    kept = container()
    await store.containers.add(kept)
    return kept.id


async def files_of(store: Store, container_id: str) -> dict[bytes, ContainerFile]:
    """All files of a container, by path."""
    page = await store.container_files.list(container_id, PageRequest(limit=100_000))
    return {kept.path: kept for kept in page.data}


async def test_a_file_comes_back_as_it_was_kept(store: Store, container_id: str) -> None:
    """Every field survives the database, and a path need not be UTF-8."""
    kept = replace(container_file(container_id, b"/mnt/data/\xff\n'\".bin"), size=2**40)
    assert await store.container_files.add(kept) == kept
    assert await store.container_files.get(container_id, kept.id) == kept


async def test_files_are_added_together(store: Store, container_id: str) -> None:
    """Each as it is by itself: a path that has a record keeps its id. None at all is none."""
    await store.container_files.sync(container_id, [SeenFile(b"/mnt/data/1", 2, 900)])
    first = (await files_of(store, container_id))[b"/mnt/data/1"]
    added = [container_file(container_id, b"/mnt/data/%d" % number) for number in range(50)]
    await store.container_files.add_all(added)
    await store.container_files.add_all([])
    added[1] = replace(added[1], id=first.id)
    assert await files_of(store, container_id) == {each.path: each for each in added}


async def test_of_files_added_together_all_are_kept_or_none(store: Store, container_id: str) -> None:
    """One that can't be kept, and the others aren't either."""
    with pytest.raises(NotFound):
        await store.container_files.add_all([container_file(container_id), container_file("cntr_gone")])
    assert await files_of(store, container_id) == {}


async def test_a_file_is_found_only_in_its_container(store: Store, container_id: str) -> None:
    """The right id in the wrong container shows, lists and removes nothing."""
    other = container()
    await store.containers.add(other)
    kept = await store.container_files.add(container_file(container_id))
    assert await store.container_files.get(other.id, kept.id) is None
    await store.container_files.remove(other.id, kept.id)
    assert await store.container_files.get(container_id, kept.id) == kept
    with pytest.raises(NotFound) as caught:
        await store.container_files.list(other.id, PageRequest(after=kept.id))
    assert caught.value.param == "after"


async def test_remove_is_idempotent(store: Store, container_id: str) -> None:
    """A removed file is gone, and removing it again is no error."""
    kept = await store.container_files.add(container_file(container_id))
    await store.container_files.remove(container_id, kept.id)
    await store.container_files.remove(container_id, kept.id)
    assert await files_of(store, container_id) == {}


async def test_files_of_an_unknown_container_are_refused(store: Store) -> None:
    """A container deleted meanwhile is not found, by add and by sync; nothing seen there is no news."""
    with pytest.raises(NotFound):
        await store.container_files.add(container_file("cntr_gone"))
    with pytest.raises(NotFound):
        await store.container_files.sync("cntr_gone", [SeenFile(b"/mnt/data/a", 1, 1)])
    await store.container_files.sync("cntr_gone", [])


async def test_a_path_keeps_the_id_it_had_first(store: Store, container_id: str) -> None:
    """A file that a sync saw before its uploader said so becomes the uploader's under the id already listed."""
    await store.container_files.sync(container_id, [SeenFile(b"/mnt/data/a.csv", 2, 900)])
    first = (await files_of(store, container_id))[b"/mnt/data/a.csv"]
    uploaded = container_file(container_id, b"/mnt/data/a.csv")
    kept = await store.container_files.add(uploaded)
    assert kept == replace(uploaded, id=first.id)
    assert await files_of(store, container_id) == {b"/mnt/data/a.csv": kept}


async def test_sync_adds_resizes_and_removes(store: Store, container_id: str) -> None:
    """Afterwards the records say what was seen; files known before keep id, time and source."""
    stays = await store.container_files.add(container_file(container_id, b"/mnt/data/stays"))
    await store.container_files.add(container_file(container_id, b"/mnt/data/goes"))
    seen = [SeenFile(b"/mnt/data/stays", 77, 5000), SeenFile(b"/mnt/data/new", 3, 4000)]
    await store.container_files.sync(container_id, seen)
    files = await files_of(store, container_id)
    assert files.keys() == {b"/mnt/data/stays", b"/mnt/data/new"}
    assert files[b"/mnt/data/stays"] == replace(stays, size=77)
    new = files[b"/mnt/data/new"]
    assert (new.size, new.created_at, new.source) == (3, 4000, FileSource.ASSISTANT)


async def test_sync_writes_nothing_when_nothing_changed(store: Store, container_id: str, database_file: Path) -> None:
    """The second of two equal syncs leaves the write-ahead log as it was."""
    log = database_file.with_name(database_file.name + "-wal")
    seen = [SeenFile(b"/mnt/data/a", 1, 1)]
    await store.container_files.sync(container_id, seen)
    before = log.read_bytes()
    await store.container_files.sync(container_id, seen)
    assert log.read_bytes() == before


async def test_sync_manages_ten_thousand_files(store: Store, container_id: str) -> None:
    """So many files are added, resized and removed, by a handful of statements each."""
    seen = [SeenFile(b"/mnt/data/%d" % number, number, 1) for number in range(10_000)]
    await store.container_files.sync(container_id, seen)
    first = await files_of(store, container_id)
    assert len(first) == 10_000
    await store.container_files.sync(container_id, [replace(one, size=one.size + 1) for one in seen])
    second = await files_of(store, container_id)
    assert {path: kept.id for path, kept in first.items()} == {path: kept.id for path, kept in second.items()}
    assert all(kept.size == first[path].size + 1 for path, kept in second.items())
    await store.container_files.sync(container_id, [])
    assert await files_of(store, container_id) == {}


async def test_concurrent_syncs_agree(store: Store, container_id: str, database_file: Path) -> None:
    """Syncs of one container, also from two services at once, fail nowhere and give each path one id."""
    seen = [SeenFile(b"/mnt/data/%d" % number, 1, 1) for number in range(50)]
    async with open_store(sqlite_url(database_file)) as other:
        syncs = [each.container_files.sync(container_id, seen) for each in (store, other) for _ in range(8)]
        await asyncio.gather(*syncs)
    assert (await files_of(store, container_id)).keys() == {one.path for one in seen}


@given(before=SEEN, after=SEEN)
def test_changes_lead_from_the_known_to_the_seen(before: list[SeenFile], after: list[SeenFile]) -> None:
    """Applied to what is known, the changes give what was seen, and there are none if that is the same."""
    known = {one.path: KnownFile(str(one.path), one.size) for one in before}
    todo = changes(known, after)
    result = {path: todo.resized.get(kept.id, kept.size) for path, kept in known.items()}
    result = {path: size for path, size in result.items() if known[path].id not in todo.gone}
    assert not result.keys() & {one.path for one in todo.new}
    result |= {one.path: one.size for one in todo.new}
    assert result == {one.path: one.size for one in after}
    assert bool(todo) == ({path: kept.size for path, kept in known.items()} != result)
