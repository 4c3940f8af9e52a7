from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Literal, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.ids import new_key_id
from runtime.store.base import Store
from runtime.store.database import open_store, sqlite_url
from runtime.values import Container, ContainerFile, Page, PageRequest
from tests.runtime.store.records import container, container_file

# Few different seconds, so that the tie-break has something to do.
TIMES = st.lists(st.integers(0, 3), max_size=12)
LIMITS = st.integers(1, 13)
ORDERS = st.sampled_from(["asc", "desc"])
Order = Literal["asc", "desc"]
Record = TypeVar("Record", Container, ContainerFile)


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


@settings(deadline=None)  # the disk may be busy
@given(times=TIMES, limit=LIMITS, order=ORDERS)
async def test_pages_of_containers_make_up_the_list(shared: Store, times: list[int], limit: int, order: Order) -> None:
    """Whatever is kept, and whatever the page size: all of it, once, in order."""
    owner = new_key_id()
    kept = [container(owner=owner, created_at=time) for time in times]
    for each in kept:
        await shared.containers.add(each)
    found = await all_pages(lambda page: shared.containers.list(owner, page), limit, order)
    assert found == in_order(kept, order)


@settings(deadline=None)  # the disk may be busy
@given(times=TIMES, limit=LIMITS, order=ORDERS)
async def test_pages_of_files_make_up_the_list(shared: Store, times: list[int], limit: int, order: Order) -> None:
    """The same for the files of a container."""
    home = container()
    await shared.containers.add(home)
    kept = [container_file(home.id, b"/mnt/data/%d" % number, created_at=time) for number, time in enumerate(times)]
    for each in kept:
        await shared.container_files.add(each)
    found = await all_pages(lambda page: shared.container_files.list(home.id, page), limit, order)
    assert found == in_order(kept, order)
