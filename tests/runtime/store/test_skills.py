from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.errors import InvalidInput, NotFound, QuotaExceeded
from runtime.skill_values import Skill, SkillVersion
from runtime.store.base import Store
from runtime.store.database import open_store, sqlite_url
from runtime.values import PageRequest
from tests.runtime.store.records import OWNER, QUOTA, skill, skill_version


@pytest.fixture
async def kept(store: Store) -> Skill:
    """A skill with one version."""
    owned, first = skill()
    await store.skills.add(owned, first, QUOTA)
    return owned


async def add_version(store: Store, skill_id: str, name: str = "tables", *, make_default: bool = False) -> SkillVersion:
    """Add a version that there is room for."""
    draft = skill_version(skill_id, name=name)
    return await store.skills.add_version(OWNER, draft, make_default=make_default, quota=QUOTA)


async def versions_of(store: Store, skill_id: str) -> list[int]:
    """The numbers of a skill's versions, the newest first."""
    page = await store.skills.versions(OWNER, skill_id, PageRequest(limit=100))
    return [version.version for version in page.data]


async def test_a_skill_comes_back_as_it_was_kept(store: Store) -> None:
    """Every field of it and of its version survives the database."""
    owned, first = skill()
    owned = replace(owned, name="naïve 🐚", description="a\nb", created_at=2**33)
    first = replace(first, name="naïve 🐚", description="a\nb", created_at=2**34, size=2**40)
    await store.skills.add(owned, first, 2**40)
    assert await store.skills.find(OWNER, owned.id) == owned
    assert await store.skills.find_version(OWNER, owned.id, 1) == first


async def test_many_are_found_at_once(store: Store, kept: Skill) -> None:
    """Skills with what is current of them, and just those versions that were asked for, each once."""
    another, other_first = skill()
    await store.skills.add(another, other_first, QUOTA)
    second = await add_version(store, kept.id)
    found = await store.skills.find_all(OWNER, [kept.id, "skill_unknown", another.id, kept.id])
    assert {each.id: each for each in found} == {kept.id: replace(kept, latest_version=2), another.id: another}
    assert len(found) == 2
    wanted = [(another.id, 1), (kept.id, 2), (another.id, 2), (kept.id, 3), ("skill_unknown", 1), (kept.id, 2)]
    versions = await store.skills.find_versions(OWNER, wanted)
    assert {(each.skill_id, each.version): each for each in versions} == {
        (another.id, 1): other_first,
        (kept.id, 2): second,
    }
    assert len(versions) == 2
    assert await store.skills.find_all(OWNER, []) == []
    assert await store.skills.find_versions(OWNER, []) == []


async def test_only_the_owner_has_a_skill(store: Store, kept: Skill) -> None:
    """To anybody else it is as good as none, in every call."""
    other = "key_2"
    assert await store.skills.find(other, kept.id) is None
    assert await store.skills.find_version(other, kept.id, 1) is None
    assert await store.skills.find_all(other, [kept.id]) == []
    assert await store.skills.find_versions(other, [(kept.id, 1)]) == []
    assert (await store.skills.list(other, PageRequest())).data == []
    assert (await store.skills.versions(other, kept.id, PageRequest())).data == []
    assert await store.skills.set_default(other, kept.id, 1) is None
    assert await store.skills.remove_version(other, kept.id, 1) is None
    assert await store.skills.remove(other, kept.id) is None
    with pytest.raises(NotFound, match=kept.id):
        await store.skills.add_version(other, skill_version(kept.id), make_default=True, quota=QUOTA)
    assert await store.skills.find(OWNER, kept.id) == kept
    assert await versions_of(store, kept.id) == [1]


async def test_a_new_version_takes_the_next_number(store: Store, kept: Skill) -> None:
    """It is the latest, but the default only if that is wished; the default's name is the skill's."""
    second = await add_version(store, kept.id, "tables")
    assert second.version == 2
    assert await store.skills.find_version(OWNER, kept.id, 2) == second
    assert await store.skills.find(OWNER, kept.id) == replace(kept, latest_version=2)
    third = await add_version(store, kept.id, "maps", make_default=True)
    assert third.version == 3
    now = replace(kept, name="maps", description=third.description, default_version=3, latest_version=3)
    assert await store.skills.find(OWNER, kept.id) == now
    assert (await store.skills.list(OWNER, PageRequest())).data == [now]


async def test_many_new_versions_have_many_numbers(store: Store, kept: Skill, database_file: Path) -> None:
    """Twenty from two services at once: each has a number of its own, without gaps."""
    async with open_store(sqlite_url(database_file)) as other:
        adding = [add_version(each, kept.id, make_default=True) for each in (store, other) * 10]
        added = await asyncio.gather(*adding)
    assert sorted(version.version for version in added) == list(range(2, 22))
    found = await store.skills.find(OWNER, kept.id)
    assert found is not None
    assert (found.default_version, found.latest_version) == (21, 21)


async def test_a_number_is_given_once(store: Store, kept: Skill) -> None:
    """Not even that of the latest version comes back after it was removed; one that there was no room for took none."""
    await add_version(store, kept.id)
    await store.skills.remove_version(OWNER, kept.id, 2)
    assert await store.skills.find(OWNER, kept.id) == kept
    with pytest.raises(QuotaExceeded):
        await store.skills.add_version(OWNER, skill_version(kept.id), make_default=True, quota=0)
    assert await store.skills.find(OWNER, kept.id) == kept
    assert (await add_version(store, kept.id)).version == 3
    assert await versions_of(store, kept.id) == [3, 1]


async def test_versions_are_ordered_by_their_numbers(store: Store, kept: Skill) -> None:
    """As numbers, not as text; `after` is the id of one of this skill's versions."""
    added = [await add_version(store, kept.id) for _ in range(10)]
    assert await versions_of(store, kept.id) == list(range(11, 0, -1))
    after = PageRequest(limit=2, order="asc", after=added[7].id)
    page = await store.skills.versions(OWNER, kept.id, after)
    assert (page.data, page.has_more) == (added[8:], False)
    another, first = skill()
    await store.skills.add(another, first, QUOTA)
    with pytest.raises(NotFound, match=first.id) as caught:
        await store.skills.versions(OWNER, kept.id, PageRequest(after=first.id))
    assert caught.value.param == "after"


async def test_the_default_can_be_set(store: Store, kept: Skill) -> None:
    """To a version that there is; name and description follow."""
    second = await add_version(store, kept.id, "tables")
    now = replace(kept, name="tables", description=second.description, default_version=2, latest_version=2)
    assert await store.skills.set_default(OWNER, kept.id, 2) == now
    assert await store.skills.set_default(OWNER, kept.id, 3) is None
    assert await store.skills.set_default(OWNER, "skill_unknown", 1) is None
    assert await store.skills.find(OWNER, kept.id) == now


async def test_the_default_version_is_not_removed(store: Store, kept: Skill) -> None:
    """It stays as it was while there are others; once another is the default it can go."""
    await add_version(store, kept.id)
    with pytest.raises(InvalidInput, match="set another default first"):
        await store.skills.remove_version(OWNER, kept.id, 1)
    assert await versions_of(store, kept.id) == [2, 1]
    first = await store.skills.find_version(OWNER, kept.id, 1)
    await store.skills.set_default(OWNER, kept.id, 2)
    assert await store.skills.remove_version(OWNER, kept.id, 1) == first
    assert await store.skills.remove_version(OWNER, kept.id, 1) is None
    assert await versions_of(store, kept.id) == [2]


async def test_the_last_version_takes_the_skill_along(store: Store, kept: Skill) -> None:
    """Nothing is left of either, nor of what they took of the quota."""
    removed = await store.skills.remove_version(OWNER, kept.id, 1)
    assert removed is not None
    assert removed.version == 1
    assert await store.skills.find(OWNER, kept.id) is None
    assert await store.blobs.ids() == set()


async def test_a_skill_takes_its_versions_along(store: Store, kept: Skill) -> None:
    """The blobs of all of them are the caller's to remove, those of another skill are not."""
    another, other_first = skill()
    await store.skills.add(another, other_first, QUOTA)
    first = await store.skills.find_version(OWNER, kept.id, 1)
    assert first is not None
    second = await add_version(store, kept.id)
    removed = await store.skills.remove(OWNER, kept.id)
    assert removed is not None
    assert sorted(removed) == sorted([first.blob_id, second.blob_id])
    assert await store.skills.remove(OWNER, kept.id) is None
    assert await store.skills.find(OWNER, kept.id) is None
    assert await store.blobs.ids() == {other_first.blob_id}


async def test_a_skill_always_has_its_default(store: Store, kept: Skill, database_file: Path) -> None:
    """Set and removed by two services at once, in any order: the default is never the version that goes."""
    numbers = [1, *[(await add_version(store, kept.id)).version for _ in range(5)]]
    async with open_store(sqlite_url(database_file)) as other:
        removing = [store.skills.remove_version(OWNER, kept.id, number) for number in numbers]
        setting = [other.skills.set_default(OWNER, kept.id, number) for number in numbers]
        results = await asyncio.gather(*removing, *setting, return_exceptions=True)
    assert {type(result) for result in results if isinstance(result, BaseException)} <= {InvalidInput}
    left = await versions_of(store, kept.id)
    found = await store.skills.find(OWNER, kept.id)
    assert (found is not None and found.default_version in left) or left == []
    assert len(await store.blobs.ids()) == len(left)
