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

from runtime.store.database import sqlite_url
from runtime.store.rows import Rows
from runtime.store.schema import alembic_config


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


def _described(database_file: Path) -> dict[str, list[str]]:
    """Each table's and index's own statement, its clauses in alphabetical order."""
    with closing(sqlite3.connect(database_file)) as database:
        made = database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {name: sorted(line.strip(" ,\t") for line in sql.splitlines()) for name, sql in made}
