from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect

from runtime.store.database import open_store, sqlite_url
from runtime.store.rows import Rows
from runtime.store.schema import alembic_config
from runtime.values import ApiKey, Container, ContainerFile, ContainerStatus, FileSource, MemoryLimit, PageRequest
from tests.runtime.store.records import OWNER, QUOTA, file

# A row for each of the first tables but the installation's, which has its own.
FIRST_VERSION = [
    "INSERT INTO api_keys (id, name, created_at, hash) VALUES ('key_1', 'first', 900, x'00ff')",
    "INSERT INTO containers (id, owner, name, status, created_at, last_active_at, memory_limit, expires_after_minutes)"
    " VALUES ('cntr_1', 'key_1', 'box', 'expired', 1000, 1100, '1g', 20)",
    "INSERT INTO container_files (id, container_id, path, size, created_at, source)"
    " VALUES ('cfile_1', 'cntr_1', x'2f61ff', 5, 1000, 'user')",
]


@pytest.fixture
def connection(database_file: Path) -> Iterator[Connection]:
    """A plain connection to an empty database."""
    engine = create_engine(sqlite_url(database_file))
    with engine.begin() as opened:
        yield opened
    engine.dispose()


def test_the_migrations_make_the_tables_the_rows_say(connection: Connection) -> None:
    """alembic finds nothing to do between the migrated database and the declared rows."""
    command.upgrade(alembic_config(connection), "head")
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    assert compare_metadata(context, Rows.metadata) == []


def test_every_migration_can_be_undone(connection: Connection) -> None:
    """Down to nothing and up again."""
    config = alembic_config(connection)
    command.upgrade(config, "head")
    made = set(inspect(connection).get_table_names())
    command.downgrade(config, "base")
    assert inspect(connection).get_table_names() == ["alembic_version"]
    inspect(connection).clear_cache()
    command.upgrade(config, "head")
    assert set(inspect(connection).get_table_names()) == made


def test_migrated_and_declared_tables_are_the_same_to_sqlite(tmp_path: Path, connection: Connection) -> None:
    """SQLite's own view, which alembic does not compare: computed columns, indexes, keys and their names."""
    command.upgrade(alembic_config(connection), "head")
    connection.commit()
    declared = create_engine(sqlite_url(tmp_path / "declared.db"))
    Rows.metadata.create_all(declared)
    declared.dispose()
    migrated = _described(Path(str(connection.engine.url.database)))
    migrated.pop("alembic_version")
    assert migrated == _described(tmp_path / "declared.db")


async def test_what_the_first_version_kept_is_still_there(database_file: Path) -> None:
    """A database of the first tables with data in it is migrated by opening it, and takes files from then on."""
    engine = create_engine(sqlite_url(database_file))
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0001")
        for statement in FIRST_VERSION:
            connection.exec_driver_sql(statement)
        instance_id = connection.exec_driver_sql("SELECT id FROM installation").scalar_one()
    engine.dispose()
    async with open_store(sqlite_url(database_file)) as store:
        assert store.instance_id == instance_id
        assert await store.keys.find(b"\x00\xff") == ApiKey("key_1", "first", 900)
        kept = await store.containers.find("key_1", "cntr_1")
        assert kept == Container("cntr_1", "key_1", "box", ContainerStatus.EXPIRED, 1000, 1100, MemoryLimit.GIB_1, 20)
        files = await store.container_files.list("cntr_1", PageRequest())
        assert files.data == [ContainerFile("cfile_1", "cntr_1", b"/a\xff", 5, 1000, FileSource.USER)]
        new = file()
        await store.files.add(new, QUOTA)
        assert await store.files.find(OWNER, new.id) == new


def _described(database_file: Path) -> dict[str, list[str]]:
    """Each table's and index's own statement, its clauses in alphabetical order."""
    with closing(sqlite3.connect(database_file)) as database:
        made = database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {name: sorted(line.strip(" ,\t") for line in sql.splitlines()) for name, sql in made}
