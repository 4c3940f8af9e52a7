"""Connections to the database, on threads: several that read, one that writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from runtime.uninterrupted import uninterrupted

T = TypeVar("T")
Work = Callable[[Connection], T]

_READERS = 4

# FULL: a commit that was reported is on the disk, also after a power cut. The time-out, in milliseconds, is
# for other processes (a backup, the command line); writers of this one queue for their thread instead.
_PRAGMAS = ("busy_timeout=5000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")


class Connections:
    """Connections that stay open: a pool's look at each one that goes and comes takes longer than most statements.

    Work is a function that executes what it likes on the connection it gets, and returns values that are complete: no
    rows still to be fetched. Whatever it does, it is one trip to a thread and back.
    """

    def __init__(self, engine: Engine) -> None:
        self._writer = engine.connect()
        self._idle = [engine.connect() for _ in range(_READERS)]
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="database-writer")
        self._reading = ThreadPoolExecutor(_READERS, thread_name_prefix="database-reader")

    async def read(self, work: Work[T]) -> T:
        """What `work` returns, which changes nothing. Each of its statements sees what was committed before it."""
        return await asyncio.get_running_loop().run_in_executor(self._reading, self._read, work)

    async def write(self, work: Work[T]) -> T:
        """What `work` returns once all it has done is committed; if it raises, nothing of it is kept.

        One at a time, in the order of the calls, and alone from its first statement on. It goes on to its end even if
        the task is cancelled; the cancellation is passed on afterwards.
        """
        loop = asyncio.get_running_loop()
        return await uninterrupted(loop.run_in_executor(self._writing, self._write, work))

    def close(self) -> None:
        """Close the connections after all work that was begun. Blocks."""
        self._reading.shutdown()
        self._writing.shutdown()
        for connection in (*self._idle, self._writer):
            connection.close()

    def _read(self, work: Work[T]) -> T:
        connection = self._idle.pop()  # there is one for each thread
        try:
            return work(connection)
        finally:
            self._idle.append(connection)

    def _write(self, work: Work[T]) -> T:
        """By the driver's own calls: SQLAlchemy takes a commit that fails for the end of the transaction."""
        driver = self._writer.connection
        driver.cursor().execute("BEGIN IMMEDIATE")
        try:
            result = work(self._writer)
            driver.commit()
        except BaseException:
            driver.rollback()
            raise
        return result


def database_engine(url: URL) -> Engine:
    """An engine whose connections are set up as the store needs them. It begins no transactions by itself."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


@asynccontextmanager
async def open_connections(url: URL) -> AsyncIterator[Connections]:
    """Connections to the database at `url`, closed at the end."""
    connections = await asyncio.to_thread(Connections, database_engine(url))
    try:
        yield connections
    finally:
        await uninterrupted(asyncio.to_thread(connections.close))
