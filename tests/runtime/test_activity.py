"""When containers were last used."""

from __future__ import annotations

import time

from runtime.activity import Activity
from runtime.store.base import Store
from tests.runtime.store.records import OWNER, container


async def test_uses_reach_the_store(store: Store) -> None:
    """A use shows at once in what is current, and in the store after the next write."""
    activity, made = Activity(), container(last_active_at=1000)
    await store.containers.add(made)
    before = int(time.time())
    activity.touch(made.id)
    assert activity.current(made).last_active_at >= before
    await activity.write(store.containers)
    stored = await store.containers.find(OWNER, made.id)
    assert stored is not None
    assert stored.last_active_at == activity.current(made).last_active_at


async def test_what_is_gone_is_forgotten(store: Store) -> None:
    """Uses of a container that is gone are not written, not even when one ends later."""
    activity, made = Activity(), container(last_active_at=1000)
    await store.containers.add(made)
    activity.begin(made.id)
    activity.forget(made.id)
    activity.end(made.id)
    await activity.write(store.containers)
    stored = await store.containers.find(OWNER, made.id)
    assert stored is not None
    assert stored.last_active_at == 1000


def test_uses_are_counted() -> None:
    """A container is in use until the last of its uses has ended."""
    activity = Activity()
    activity.begin("a")
    activity.begin("a")
    activity.end("a")
    assert activity.in_use("a")
    activity.end("a")
    assert not activity.in_use("a")
    assert not activity.in_use("b")


def test_time_does_not_run_back() -> None:
    """The newer of the record's and the remembered time counts."""
    activity, later = Activity(), container(last_active_at=2**40)
    activity.touch(later.id)
    assert activity.current(later).last_active_at == 2**40
