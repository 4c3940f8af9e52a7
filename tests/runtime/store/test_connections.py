from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import URL, Connection, make_url, text
from sqlalchemy.exc import IntegrityError

from runtime.store.connections import Connections, Work, open_connections
from runtime.store.database import sqlite_url

# SQLite looks for what a thing belongs to when the transaction is committed, not before.
TABLE = "CREATE TABLE things (name TEXT UNIQUE, part_of TEXT REFERENCES things (name) DEFERRABLE INITIALLY DEFERRED)"
INSERT = text("INSERT INTO things VALUES (:name, :part_of)")


@pytest.fixture
def url(tmp_path: Path) -> URL:
    """Where the test's database is."""
    return make_url(sqlite_url(tmp_path / "things.db"))


@pytest.fixture
async def connections(url: URL) -> AsyncIterator[Connections]:
    """Connections to a database with one table, of names that differ."""
    async with open_connections(url) as opened:
        await opened.write(make_table)
        yield opened


def make_table(connection: Connection) -> None:
    """Make the table of things."""
    connection.execute(text(TABLE))


def insert(*names: str, part_of: str | None = None) -> Work[None]:
    """Work that inserts things."""

    def work(connection: Connection) -> None:
        for name in names:
            connection.execute(INSERT, {"name": name, "part_of": part_of})

    return work


def names(connection: Connection) -> list[str]:
    """The names of all things, in the order in which they came."""
    return list(connection.scalars(text("SELECT name FROM things ORDER BY rowid")).all())


async def test_nobody_sees_half_of_a_write(connections: Connections) -> None:
    """What is written can be read once the work is done, and not before."""
    inserted, looked = threading.Event(), threading.Event()

    def work(connection: Connection) -> list[str]:
        insert("a")(connection)
        inserted.set()
        looked.wait(timeout=30)
        insert("b")(connection)
        return names(connection)

    writing = asyncio.create_task(connections.write(work))
    await asyncio.to_thread(inserted.wait, timeout=30)
    assert await connections.read(names) == []
    looked.set()
    assert await writing == ["a", "b"]
    assert await connections.read(names) == ["a", "b"]


async def test_nothing_is_left_of_what_failed(connections: Connections) -> None:
    """Work that fails half-way is rolled back, and the next one begins anew."""
    with pytest.raises(IntegrityError):
        await connections.write(insert("a", "a"))
    await connections.write(insert("b"))
    assert await connections.read(names) == ["b"]


async def test_nothing_is_left_of_what_could_not_be_committed(connections: Connections) -> None:
    """Not even the transaction: the next one begins anew."""
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        await connections.write(insert("a", part_of="nothing"))
    await connections.write(insert("b"))
    assert await connections.read(names) == ["b"]


async def test_writes_are_done_in_the_order_of_the_calls(connections: Connections) -> None:
    """Many at once are one after the other."""
    wanted = [str(number) for number in range(50)]
    await asyncio.gather(*(connections.write(insert(name)) for name in wanted))
    assert await connections.read(names) == wanted


async def test_a_write_that_is_called_off_is_done(connections: Connections) -> None:
    """Whenever that is, the caller is cancelled only when it is there to be read."""
    for turns in range(20):
        writing = asyncio.create_task(connections.write(insert(str(turns))))
        for _ in range(turns + 1):  # in the first one the task begins
            await asyncio.sleep(0)
        called_off = writing.cancel()
        await asyncio.wait({writing})
        assert writing.cancelled() == called_off
        assert len(await connections.read(names)) == turns + 1


async def test_some_read_at_once(connections: Connections) -> None:
    """Four have to wait for each other here, while there are more than there is room for at once."""
    together = threading.Barrier(4)

    def work(connection: Connection) -> int:
        together.wait(timeout=30)
        return len(names(connection))

    assert await asyncio.gather(*(connections.read(work) for _ in range(12))) == [0] * 12


async def test_reads_that_fail_take_no_room(connections: Connections) -> None:
    """However many have failed, the next one finds a connection."""

    def work(connection: Connection) -> None:
        connection.execute(text("SELECT no_such_column FROM things"))

    results = await asyncio.gather(*(connections.read(work) for _ in range(20)), return_exceptions=True)
    assert all(isinstance(result, Exception) for result in results)
    assert await connections.read(names) == []


async def test_closing_waits_for_what_was_begun(url: URL) -> None:
    """Writes that are under way at the end, and those that wait behind them, are there afterwards."""
    async with open_connections(url) as connections:
        await connections.write(make_table)
        writing = [asyncio.create_task(connections.write(insert(name))) for name in "abc"]
        await asyncio.sleep(0)
    await asyncio.gather(*writing)
    async with open_connections(url) as connections:
        assert await connections.read(names) == ["a", "b", "c"]
