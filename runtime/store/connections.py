"""Connections to the database: many that read, one that writes."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from sqlalchemy import URL, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from runtime.store.one_trip import OneTripConnection

_READERS = 4

# FULL: a commit that was reported is on the disk, also after a power cut. The time-out, in milliseconds, is
# for other processes (a backup, the command line); writers of this one queue for the connection instead.
_PRAGMAS = ("busy_timeout=5000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")


@dataclass(frozen=True, slots=True)
class Connections:
    """Two engines on one database.

    `reader` has no transactions: a read is one statement, and a roll-back after each would cost another trip
    to the driver's thread. `writer` is a single connection, so writers wait for it in order rather than in
    SQLite's busy loop. Use it through `begin()`; the first changing statement takes SQLite's write lock.
    """

    reader: AsyncEngine
    writer: AsyncEngine


def prepare(engine: Engine) -> None:
    """Have every new connection of `engine` set up as the store needs it."""

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()


@asynccontextmanager
async def open_connections(url: URL) -> AsyncIterator[Connections]:
    """Engines on the database at `url`, closed at the end."""
    url = url.set(drivername="sqlite+aiosqlite")
    arguments, options = url.get_dialect()().create_connect_args(url)
    connect = partial(sqlite3.connect, *arguments, **options)
    reader = create_async_engine(
        url,
        async_creator=lambda: OneTripConnection(connect),
        pool_size=_READERS,
        max_overflow=0,
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
    )
    writer = create_async_engine(
        url,
        async_creator=lambda: OneTripConnection(partial(connect, isolation_level="IMMEDIATE")),
        pool_size=1,
        max_overflow=0,
    )
    try:
        for engine in (reader, writer):
            prepare(engine.sync_engine)
        yield Connections(reader, writer)
    finally:
        await reader.dispose()
        await writer.dispose()
