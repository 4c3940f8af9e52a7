"""When containers were last used."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from runtime.activity import Activity
from runtime.expiry import is_due
from runtime.store.base import Store
from tests.refusing_database import refusing
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


async def test_a_long_use_reaches_the_store(store: Store) -> None:
    """While a container is in use, what the store knows of it is not older than the latest write."""
    activity, made = Activity(), container(last_active_at=1000)
    await store.containers.add(made)
    activity.begin(made.id)
    began = activity.current(made).last_active_at
    await activity.write(store.containers)
    await asyncio.sleep(1.1)  # times are in seconds
    quiet = activity.quiet_seconds()
    await activity.write(store.containers)
    stored = await store.containers.find(OWNER, made.id)
    assert stored is not None
    assert stored.last_active_at > began
    assert activity.quiet_seconds() >= quiet


def test_a_clock_that_jumps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set forward by a day, the clock ends no container before that has been unused for its whole time since."""
    wall, steady = 1_000_000.0, 5_000.0
    monkeypatch.setattr(time, "time", lambda: wall)
    monkeypatch.setattr(time, "clock_gettime", lambda _: steady)
    activity = Activity()
    unused = container(last_active_at=int(wall), minutes=20)

    def is_due_now() -> bool:
        return is_due(activity.current(unused), int(wall), in_use=False)

    wall, steady = wall + 600, steady + 600
    assert not is_due_now()
    wall += 24 * 3600
    assert not is_due_now()
    wall, steady = wall + 1199, steady + 1199
    assert not is_due_now()
    wall, steady = wall + 1, steady + 1
    assert is_due_now()
    wall += 24 * 3600
    assert not is_due_now()
    wall -= 48 * 3600  # it was wrong
    assert activity.current(unused).last_active_at <= wall


async def test_a_clock_that_is_kept_right(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is corrected little by little lets containers expire as always."""
    wall, steady = 1_000_000.0, 5_000.0
    monkeypatch.setattr(time, "time", lambda: wall)
    monkeypatch.setattr(time, "clock_gettime", lambda _: steady)
    activity = Activity()
    unused = container(last_active_at=int(wall), minutes=20)
    for _ in range(20):
        wall, steady = wall + 60, steady + 50
        await activity.write(store.containers)
    assert is_due(activity.current(unused), int(wall), in_use=False)


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


async def test_what_could_not_be_written(store: Store, database_file: Path) -> None:
    """Uses that the store didn't take are written the next time, unless the container is gone by then."""
    activity, made, gone = Activity(), container(last_active_at=1000), container(last_active_at=1000)
    for each in (made, gone):
        await store.containers.add(each)
        activity.touch(each.id)
    with refusing(database_file, "UPDATE", "containers"), pytest.raises(DBAPIError):
        await activity.write(store.containers)
    activity.forget(gone.id)
    await activity.write(store.containers)
    stored = [await store.containers.find(OWNER, each.id) for each in (made, gone)]
    assert [each and each.last_active_at for each in stored] == [activity.current(made).last_active_at, 1000]


def test_quiet() -> None:
    """It is quiet when nothing begins or ends, whatever is under way."""
    activity = Activity()
    assert activity.quiet_seconds() > 1000
    activity.begin("a")
    assert activity.quiet_seconds() < 1000
    quiet = activity.quiet_seconds()
    time.sleep(0.01)
    assert activity.quiet_seconds() >= quiet + 0.01
    quiet = activity.quiet_seconds()
    activity.end("a")
    assert activity.quiet_seconds() < quiet


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
