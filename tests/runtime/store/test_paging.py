from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Literal, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.errors import NotFound
from runtime.file_values import File
from runtime.ids import new_key_id
from runtime.skill_values import Skill, SkillVersion
from runtime.store.base import Store
from runtime.store.database import open_store, sqlite_url
from runtime.values import Container, ContainerFile, Page, PageRequest
from tests.runtime.store.records import QUOTA, container, container_file, file, skill, skill_version

# Few different seconds, so that the tie-break has something to do.
TIMES = st.lists(st.integers(0, 3), max_size=12)
LIMITS = st.integers(1, 13)
ORDERS = st.sampled_from(["asc", "desc"])
Order = Literal["asc", "desc"]
Record = TypeVar("Record", Container, ContainerFile, File, Skill, SkillVersion)


@pytest.fixture(scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Store]:
    """One store for all examples; each takes a new owner."""
    async with open_store(sqlite_url(tmp_path_factory.mktemp("paging") / "sandlot.db")) as store:
        yield store


async def all_pages(read: Callable[[PageRequest], Awaitable[Page[Record]]], limit: int, order: Order) -> list[Record]:
    """The pages of a list, put together the way a client does it."""
    found: list[Record] = []
    after = None
    while True:
        page = await read(PageRequest(limit=limit, order=order, after=after))
        assert len(page.data) <= limit
        found += page.data
        if not page.has_more:
            return found
        assert len(page.data) == limit
        after = found[-1].id


def in_order(records: list[Record], order: Order) -> list[Record]:
    """The list as a whole, as it should be."""
    return sorted(records, key=lambda record: (record.created_at, record.id), reverse=order == "desc")


@given(times=TIMES, limit=LIMITS, order=ORDERS)
async def test_pages_of_containers_make_up_the_list(shared: Store, times: list[int], limit: int, order: Order) -> None:
    """Whatever is kept, and whatever the page size: all of it, once, in order."""
    owner = new_key_id()
    kept = [container(owner=owner, created_at=time) for time in times]
    for each in kept:
        await shared.containers.add(each)
    found = await all_pages(lambda page: shared.containers.list(owner, page), limit, order)
    assert found == in_order(kept, order)


@given(times=TIMES, limit=LIMITS, order=ORDERS)
async def test_pages_of_container_files_make_up_the_list(
    shared: Store, times: list[int], limit: int, order: Order
) -> None:
    """The same for the files of a container."""
    home = container()
    await shared.containers.add(home)
    kept = [container_file(home.id, b"/mnt/data/%d" % number, created_at=time) for number, time in enumerate(times)]
    for each in kept:
        await shared.container_files.add(each)
    found = await all_pages(lambda page: shared.container_files.list(home.id, page), limit, order)
    assert found == in_order(kept, order)


@given(times=TIMES, limit=LIMITS, order=ORDERS)
async def test_pages_of_files_make_up_the_list(shared: Store, times: list[int], limit: int, order: Order) -> None:
    """The same for the files of an owner."""
    owner = new_key_id()
    kept = [file(owner=owner, created_at=time) for time in times]
    for each in kept:
        await shared.files.add(each, QUOTA)
    found = await all_pages(lambda page: shared.files.list(owner, page, None, now=0), limit, order)
    assert found == in_order(kept, order)


@given(times=TIMES, limit=LIMITS, order=ORDERS)
async def test_pages_of_skills_make_up_the_list(shared: Store, times: list[int], limit: int, order: Order) -> None:
    """The same for the skills of an owner."""
    owner = new_key_id()
    kept = [skill(owner=owner, created_at=time) for time in times]
    for owned, first in kept:
        await shared.skills.add(owned, first, QUOTA)
    found = await all_pages(lambda page: shared.skills.list(owner, page), limit, order)
    assert found == in_order([owned for owned, _ in kept], order)


@given(count=st.integers(0, 12), limit=LIMITS, order=ORDERS)
async def test_pages_of_versions_make_up_the_list(shared: Store, count: int, limit: int, order: Order) -> None:
    """The same for the versions of a skill, by their numbers."""
    owned, first = skill(owner=new_key_id())
    await shared.skills.add(owned, first, QUOTA)
    kept = [first]
    for _ in range(count):
        draft = skill_version(owned.id)
        kept.append(await shared.skills.add_version(owned.owner, draft, make_default=False, quota=QUOTA))
    found = await all_pages(lambda page: shared.skills.versions(owned.owner, owned.id, page), limit, order)
    assert found == (kept if order == "asc" else kept[::-1])


async def test_a_page_of_nothing(shared: Store) -> None:
    """A limit of 0 shows no record and tells whether there is one."""
    owned, first = skill(owner=new_key_id())
    assert await shared.skills.list(owned.owner, PageRequest(limit=0)) == Page([], has_more=False)
    await shared.skills.add(owned, first, QUOTA)
    assert await shared.skills.list(owned.owner, PageRequest(limit=0)) == Page([], has_more=True)


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_deleting_while_paging(shared: Store, order: Order) -> None:
    """Who deletes all that a page has can go on after its last."""
    owner = new_key_id()
    kept = [file(owner=owner, created_at=number // 3) for number in range(10)]
    for each in kept:
        await shared.files.add(each, QUOTA)
    found: list[File] = []
    page: Page[File] = Page([], has_more=True)
    while page.has_more:
        asked = PageRequest(limit=2, order=order, after=found[-1].id if found else None)
        page = await shared.files.list(owner, asked, None, now=0)
        for each in page.data:
            await shared.files.remove(owner, each.id)
        found += page.data
    assert found == in_order(kept, order)


async def test_a_place_is_of_one_list(shared: Store) -> None:
    """The end of a page that was deleted is nothing in another's list, nor is what was no page's end."""
    owner, other = new_key_id(), new_key_id()
    first, second, third = [file(owner=owner, created_at=number) for number in range(3)]
    for each in (first, second, third):
        await shared.files.add(each, QUOTA)
    await shared.files.list(owner, PageRequest(limit=2, order="asc"), None, now=0)
    for each in (first, second):
        await shared.files.remove(owner, each.id)
    assert (await shared.files.list(owner, PageRequest(after=second.id, order="asc"), None, now=0)).data == [third]
    for asking, after in ((other, second), (owner, first)):
        with pytest.raises(NotFound):
            await shared.files.list(asking, PageRequest(after=after.id), None, now=0)
