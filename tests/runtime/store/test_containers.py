from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from runtime.errors import NotFound
from runtime.store.base import Store
from runtime.values import Container, ContainerStatus, PageRequest
from tests.runtime.store.records import NETWORK, OWNER, container, container_file

RUNNING, EXPIRED = ContainerStatus.RUNNING, ContainerStatus.EXPIRED


async def test_a_container_comes_back_as_it_was_kept(store: Store) -> None:
    """Every field survives the database."""
    kept = container(name="naïve box 🐚", last_active_at=2**33, network=NETWORK)
    await store.containers.add(kept)
    assert await store.containers.get(kept.id) == kept
    assert await store.containers.find(OWNER, kept.id) == kept
    assert (await store.containers.list(OWNER, PageRequest())).data == [kept]


async def test_sealed_secrets_come_back(store: Store) -> None:
    """They are the bytes that were kept with the container, and nobody else's."""
    kept, other, unsealed = container(network=NETWORK), container(), container(network=NETWORK)
    await store.containers.add(kept, b"\0sealed\xff")
    await store.containers.add(other)
    await store.containers.add(unsealed)
    assert await store.containers.sealed_secrets(kept.id) == b"\0sealed\xff"
    for each in (other.id, unsealed.id, "cntr_unknown"):
        assert await store.containers.sealed_secrets(each) is None


@pytest.mark.parametrize("ends", [EXPIRED, ContainerStatus.DELETING])
async def test_sealed_secrets_end_with_the_life(store: Store, ends: ContainerStatus) -> None:
    """A container that is to live no more has none left; what it might reach is still in its record."""
    kept = container(status=ContainerStatus.CREATING, network=NETWORK)
    await store.containers.add(kept, b"sealed")
    await store.containers.move(kept.id, [RUNNING], ends)
    await store.containers.move(kept.id, [ContainerStatus.CREATING], RUNNING)
    assert await store.containers.sealed_secrets(kept.id) == b"sealed"
    await store.containers.move(kept.id, [RUNNING], ends)
    assert await store.containers.sealed_secrets(kept.id) is None
    assert await store.containers.get(kept.id) == replace(kept, status=ends)


async def test_only_the_owner_finds_a_container(store: Store) -> None:
    """`find` shows nothing of somebody else's container, `get` does; neither invents one."""
    kept = container(owner="key_2")
    await store.containers.add(kept)
    assert await store.containers.find(OWNER, kept.id) is None
    assert await store.containers.get(kept.id) == kept
    assert await store.containers.get("cntr_unknown") is None


@pytest.mark.parametrize("status", list(ContainerStatus))
async def test_the_list_holds_running_and_expired_containers(store: Store, status: ContainerStatus) -> None:
    """Containers in the making, on their way out or failed are nobody's business."""
    kept = container(status=status)
    await store.containers.add(kept)
    page = await store.containers.list(OWNER, PageRequest())
    assert page.data == ([kept] if status in (RUNNING, EXPIRED) else [])


async def test_the_list_can_be_narrowed_to_a_name(store: Store) -> None:
    """The name matches exactly, letter case included, and only the owner's containers count."""
    mine = container(name="Box")
    for other in (container(name="box"), container(name="Box 2"), container(owner="key_2", name="Box"), mine):
        await store.containers.add(other)
    assert (await store.containers.list(OWNER, PageRequest(), name="Box")).data == [mine]


async def test_a_cursor_may_have_another_name_than_the_list(store: Store) -> None:
    """With `name`, the list goes on after any listed container of the owner."""
    named, cursor = container(name="a", created_at=1), container(name="b", created_at=2)
    for each in (named, cursor):
        await store.containers.add(each)
    page = await store.containers.list(OWNER, PageRequest(after=cursor.id), name="a")
    assert page.data == [named]


@pytest.mark.parametrize("hidden", [container(owner="key_2"), container(status=ContainerStatus.DELETING)])
async def test_a_cursor_that_is_not_listed_is_not_found(store: Store, hidden: Container) -> None:
    """Neither another owner's container nor a hidden one can be listed after, as if it did not exist."""
    await store.containers.add(hidden)
    with pytest.raises(NotFound, match=hidden.id) as caught:
        await store.containers.list(OWNER, PageRequest(after=hidden.id))
    assert caught.value.param == "after"


async def test_move_happens_only_from_the_named_statuses(store: Store) -> None:
    """A move that comes too late changes nothing and says so."""
    kept = container()
    await store.containers.add(kept)
    assert await store.containers.move(kept.id, [RUNNING, EXPIRED], ContainerStatus.DELETING)
    assert not await store.containers.move(kept.id, [RUNNING], EXPIRED)
    assert await store.containers.get(kept.id) == replace(kept, status=ContainerStatus.DELETING)
    assert not await store.containers.move("cntr_unknown", [RUNNING], EXPIRED)


async def test_of_many_movers_one_wins(store: Store) -> None:
    """The same move by twenty tasks at once is done by exactly one of them."""
    kept = container()
    await store.containers.add(kept)
    moves = [store.containers.move(kept.id, [RUNNING], EXPIRED) for _ in range(20)]
    assert sum(await asyncio.gather(*moves)) == 1


async def test_touch_goes_only_forwards(store: Store) -> None:
    """A later time is taken, an earlier one is not, an unknown id is passed over."""
    early, late = container(last_active_at=100), container(last_active_at=300)
    for each in (early, late):
        await store.containers.add(each)
    await store.containers.touch({early.id: 200, late.id: 200, "cntr_unknown": 200})
    await store.containers.touch({})
    assert await store.containers.get(early.id) == replace(early, last_active_at=200)
    assert await store.containers.get(late.id) == late


async def test_touch_leaves_a_snapshot_alone(store: Store) -> None:
    """The record of an expired container no longer changes."""
    kept = container(status=EXPIRED)
    await store.containers.add(kept)
    await store.containers.touch({kept.id: 2000})
    assert await store.containers.get(kept.id) == kept


async def test_due_are_the_running_ones_whose_time_is_up(store: Store) -> None:
    """Due from the very second on, the longest overdue first; a touch puts it off."""
    overdue = container(last_active_at=0, minutes=1)
    just = container(last_active_at=60, minutes=1)
    others = container(last_active_at=61, minutes=1), container(last_active_at=0, minutes=1, status=EXPIRED)
    for each in (just, overdue, *others):
        await store.containers.add(each)
    assert await store.containers.due(now=120) == [overdue, just]
    await store.containers.touch({overdue.id: 100})
    assert await store.containers.due(now=120) == [just]


async def test_in_status_finds_everybodys(store: Store) -> None:
    """Containers in any of the statuses, of all owners."""
    wanted = {container(status=ContainerStatus.CREATING), container(owner="key_2", status=RUNNING)}
    for each in (*wanted, container(status=EXPIRED)):
        await store.containers.add(each)
    assert set(await store.containers.in_status(ContainerStatus.CREATING, RUNNING)) == wanted
    assert await store.containers.in_status() == []


async def test_remove_takes_files_and_network_along(store: Store) -> None:
    """Nothing is left of a removed container, nothing of its neighbour is lost, and twice is as good as once."""
    gone, stays = container(network=NETWORK), container(network=NETWORK)
    for each in (gone, stays):
        await store.containers.add(each, b"sealed")
    lost = await store.container_files.add(container_file(gone.id))
    kept = await store.container_files.add(container_file(stays.id))
    await store.containers.remove(gone.id)
    await store.containers.remove(gone.id)
    assert await store.containers.get(gone.id) is None
    assert await store.container_files.get(gone.id, lost.id) is None
    assert await store.containers.sealed_secrets(gone.id) is None
    assert await store.container_files.get(stays.id, kept.id) == kept
    assert await store.containers.get(stays.id) == stays
    assert await store.containers.sealed_secrets(stays.id) == b"sealed"


async def test_a_cancelled_caller_leaves_the_store_in_order(store: Store) -> None:
    """Callers that vanish in the middle of a write hold nothing up: the one writer goes on."""
    kept = container()
    await store.containers.add(kept)
    for moment in range(40):
        task = asyncio.create_task(store.containers.touch({kept.id: 2000 + moment}))
        await asyncio.sleep(moment * 0.0001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await store.containers.touch({kept.id: 5000})
    assert await store.containers.get(kept.id) == replace(kept, last_active_at=5000)
