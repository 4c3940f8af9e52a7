from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import IntegrityError

from runtime.store.connections import Connections, open_connections
from runtime.store.database import sqlite_url

INSERT = text("INSERT INTO things VALUES (:name)")


@pytest.fixture
async def connections(tmp_path: Path) -> AsyncIterator[Connections]:
    """Connections to a database with one table, of names that differ."""
    async with open_connections(make_url(sqlite_url(tmp_path / "things.db"))) as opened:
        async with opened.writer.begin() as connection:
            await connection.execute(text("CREATE TABLE things (name TEXT UNIQUE)"))
        yield opened


async def names(connections: Connections) -> list[str]:
    """What is in the table, as a reader sees it."""
    async with connections.reader.connect() as connection:
        return list(await connection.scalars(text("SELECT name FROM things ORDER BY name")))


async def test_rows_come_with_the_statement(connections: Connections) -> None:
    """Rows, their number and the columns' names are there, of a select and of an insert that returns some."""
    async with connections.writer.begin() as connection:
        returned = await connection.execute(text("INSERT INTO things VALUES ('a'), ('b') RETURNING name"))
        assert (returned.rowcount, list(returned.keys()), returned.all()) == (2, ["name"], [("a",), ("b",)])
    assert await names(connections) == ["a", "b"]


async def test_many_at_once(connections: Connections) -> None:
    """A statement may be executed with many parameters."""
    async with connections.writer.begin() as connection:
        await connection.execute(INSERT, [{"name": name} for name in "abc"])
    assert await names(connections) == ["a", "b", "c"]


async def test_nothing_is_left_of_what_failed(connections: Connections) -> None:
    """A transaction that fails half-way is rolled back, and the next one has the connection to itself."""

    async def insert_twice() -> None:
        async with connections.writer.begin() as connection:
            await connection.execute(INSERT, {"name": "a"})
            await connection.execute(INSERT, {"name": "a"})

    with pytest.raises(IntegrityError):
        await insert_twice()
    async with connections.writer.begin() as connection:
        await connection.execute(INSERT, {"name": "b"})
    assert await names(connections) == ["b"]


async def test_nothing_is_left_of_what_was_called_off(connections: Connections) -> None:
    """A transaction that is cancelled while its statement is on the way to the thread is rolled back, too."""

    async def insert() -> None:
        async with connections.writer.begin() as connection:
            await connection.execute(INSERT, {"name": "a"})
            await asyncio.sleep(3600)

    for turns in range(20):
        task = asyncio.create_task(insert())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
    async with connections.writer.begin() as connection:
        await connection.execute(INSERT, {"name": "b"})
    assert await names(connections) == ["b"]
