"""Opens the store: brings the tables up to date, connects, and hands out the parts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, make_url, select
from sqlalchemy.exc import ArgumentError

from runtime.errors import DatabaseUnusable
from runtime.file_lock import HeldElsewhere, held
from runtime.store.base import Store
from runtime.store.blobs import SqlBlobRecords
from runtime.store.connections import open_connections
from runtime.store.container_files import SqlContainerFileStore
from runtime.store.containers import SqlContainerStore
from runtime.store.files import SqlFileStore
from runtime.store.keys import SqlKeyStore
from runtime.store.rows import InstallationRow
from runtime.store.schema import upgrade
from runtime.store.skills import SqlSkillStore
from runtime.store.uploads import SqlUploadStore

_NOT_A_FILE = "The database URL has to be that of an SQLite file, like sqlite:////data/sandlot.db."


def sqlite_url(path: Path) -> str:
    """The database URL of an SQLite file."""
    return URL.create("sqlite", database=str(path)).render_as_string()


@asynccontextmanager
async def open_store(database_url: str) -> AsyncIterator[Store]:
    """The store in the database at `database_url`, made or migrated if need be, and closed at the end.

    `sqlite:///relative` and `sqlite:////absolute` mean a file, whose folder has to exist. Raises
    DatabaseUnusable.
    """
    url = _file_url(database_url)
    await asyncio.to_thread(upgrade, url)
    async with open_connections(url) as connections:
        yield Store(
            containers=SqlContainerStore(connections),
            container_files=SqlContainerFileStore(connections),
            keys=SqlKeyStore(connections),
            blobs=SqlBlobRecords(connections),
            files=SqlFileStore(connections),
            uploads=SqlUploadStore(connections),
            skills=SqlSkillStore(connections),
            instance_id=await connections.read(_instance_id),
        )


@contextmanager
def alone(database_url: str) -> Iterator[None]:
    """Keep every other service off the database until the end: each would take the other's sandboxes for its own.

    Who only looks something up in it doesn't ask. Raises DatabaseUnusable.
    """
    database = Path(str(_file_url(database_url).database))
    try:
        lock = held(database.with_name(f"{database.name}.lock"))
    except HeldElsewhere:
        raise DatabaseUnusable(f"Another Sandlot is running on the database {database}.") from None
    except OSError as error:
        raise DatabaseUnusable(f"The database {database} cannot be used: {error.strerror}.") from error
    with lock:
        yield


def _instance_id(connection: Connection) -> str:
    return connection.scalars(select(InstallationRow.id)).one()


def _file_url(database_url: str) -> URL:
    try:
        url = make_url(database_url)
    except ArgumentError as error:
        raise DatabaseUnusable(_NOT_A_FILE) from error
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        raise DatabaseUnusable(_NOT_A_FILE)
    return url.set(drivername="sqlite")
