"""Opens the store: brings the tables up to date, connects, and hands out the parts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import URL, make_url, select
from sqlalchemy.exc import ArgumentError

from runtime.store.base import DatabaseUnusable, Store
from runtime.store.connections import open_connections
from runtime.store.container_files import SqlContainerFileStore
from runtime.store.containers import SqlContainerStore
from runtime.store.keys import SqlKeyStore
from runtime.store.rows import InstallationRow
from runtime.store.schema import upgrade


def sqlite_url(path: Path) -> str:
    """The database URL of an SQLite file."""
    return URL.create("sqlite", database=str(path)).render_as_string()


@asynccontextmanager
async def open_store(database_url: str) -> AsyncIterator[Store]:
    """The store in the database at `database_url`, made or migrated if need be, and closed at the end.

    `sqlite:///relative` and `sqlite:////absolute` mean a file, whose folder has to exist. Raises
    DatabaseUnusable.
    """
    url = _parse(database_url)
    await asyncio.to_thread(upgrade, url)
    async with open_connections(url) as connections:
        async with connections.reader.connect() as connection:
            instance_id = (await connection.scalars(select(InstallationRow.id))).one()
        yield Store(
            containers=SqlContainerStore(connections),
            container_files=SqlContainerFileStore(connections),
            keys=SqlKeyStore(connections),
            instance_id=instance_id,
        )


def _parse(database_url: str) -> URL:
    """The URL with an asyncio driver; SQLite's may be left out of it."""
    try:
        url = make_url(database_url)
    except ArgumentError as error:
        raise DatabaseUnusable(
            "The database URL is not one; it looks like sqlite:////data/sandlot.db."
        ) from error
    return url.set(drivername="sqlite+aiosqlite") if url.drivername == "sqlite" else url
