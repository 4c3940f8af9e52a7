from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, make_url, text

from runtime.errors import DatabaseUnusable
from runtime.store.connections import open_connections
from runtime.store.database import open_store, sqlite_url
from tests.runtime.store.records import container


async def open_and_close(url: str) -> None:
    """Open the store and do nothing with it."""
    async with open_store(url):
        pass


async def test_what_was_kept_is_there_after_reopening(database_file: Path) -> None:
    """A record, and the installation's id, outlive the process that made them."""
    kept = container()
    async with open_store(sqlite_url(database_file)) as store:
        await store.containers.add(kept)
        instance_id = store.instance_id
    async with open_store(sqlite_url(database_file)) as store:
        assert await store.containers.get(kept.id) == kept
        assert store.instance_id == instance_id


async def test_two_installations_have_different_ids(tmp_path: Path) -> None:
    """The id is random, not derived from anything they share."""
    async with (
        open_store(sqlite_url(tmp_path / "a.db")) as one,
        open_store(sqlite_url(tmp_path / "b.db")) as other,
    ):
        assert one.instance_id != other.instance_id


async def test_two_services_may_open_a_new_database_at_once(database_file: Path) -> None:
    """One makes the tables, the other waits and finds them made; both see one installation."""

    async def instance_id() -> str:
        async with open_store(sqlite_url(database_file)) as store:
            return store.instance_id

    assert len(set(await asyncio.gather(*(instance_id() for _ in range(5))))) == 1


@pytest.mark.parametrize("name", ["sandlot.db", "100% a&b ü.db", "what?.db", "a#b.db"])
async def test_a_file_of_any_name_can_be_the_database(tmp_path: Path, name: str) -> None:
    """`sqlite_url` escapes what a URL gives a meaning to."""
    async with open_store(sqlite_url(tmp_path / name)):
        assert (tmp_path / name).exists()


async def test_sqlite_is_set_up_for_safety(database_file: Path) -> None:
    """Every connection has the write-ahead log, full synchronisation, foreign keys and patience."""

    def pragmas(connection: Connection) -> dict[str, object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return {name: connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in names}

    async with open_connections(make_url(sqlite_url(database_file))) as connections:
        for use in (connections.read, connections.write):
            found = await use(pragmas)
            assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


async def test_opening_prints_nothing(database_file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Migrations run in silence, the first time and afterwards."""
    for _ in range(2):
        await open_and_close(sqlite_url(database_file))
    assert capfd.readouterr() == ("", "")


def test_a_file_that_is_no_database_is_refused(database_file: Path) -> None:
    """The error names the file and what is wrong with it, and the file is left as it was."""
    database_file.write_bytes(b"name,amount\n" * 1000)
    with pytest.raises(DatabaseUnusable, match=r"sandlot\.db.*not a database"):
        asyncio.run(open_and_close(sqlite_url(database_file)))
    assert database_file.read_bytes() == b"name,amount\n" * 1000


def test_a_database_of_a_newer_version_is_refused(database_file: Path) -> None:
    """A revision this version does not know means hands off."""
    asyncio.run(open_and_close(sqlite_url(database_file)))
    with closing(sqlite3.connect(database_file)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseUnusable, match=r"newer version.*9999"):
        asyncio.run(open_and_close(sqlite_url(database_file)))


@pytest.mark.parametrize("url", ["sqlite:////no/such/folder/x.db", "x.db", "sqlite://", "nosuchdb://x/y"])
def test_a_url_that_leads_nowhere_is_refused(url: str) -> None:
    """A missing folder, a path and no URL, no file at all, another kind of database: each is said."""
    with pytest.raises(DatabaseUnusable):
        asyncio.run(open_and_close(url))
