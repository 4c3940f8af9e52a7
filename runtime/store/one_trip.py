"""A driver that takes a statement to its connection's thread and back in one trip.

SQLAlchemy makes a cursor, executes, fetches all rows and closes the cursor. In aiosqlite each of these is a trip of its
own, and costs more than what most statements do.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self

import aiosqlite

Work = Callable[[sqlite3.Connection], sqlite3.Cursor]


class Executed(NamedTuple):
    """What a statement gave: attributes of the DB-API's cursor, and all rows."""

    description: Any
    rowcount: int
    lastrowid: int | None
    rows: list[Any]


class OneTripConnection(aiosqlite.Connection):
    """As much of aiosqlite's connection as SQLAlchemy uses."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connect, iter_chunk_size=0)
        self._thread.daemon = True  # a process that ends doesn't wait for it
        self._clean = True

    def cursor(self) -> OneTripCursor:  # type: ignore[override]
        """A cursor, of which the thread knows nothing yet."""
        return OneTripCursor(self)

    async def run(self, work: Work) -> Executed:
        """Execute something on the thread."""
        self._clean = False

        def trip() -> Executed:
            cursor = work(self._conn)
            rows = cursor.fetchall()  # before the others: with it a statement that returns rows is over
            return Executed(cursor.description, cursor.rowcount, cursor.lastrowid, rows)

        executed: Executed = await self._execute(trip)  # type: ignore[no-untyped-call]
        return executed

    async def commit(self) -> None:
        """Commit the transaction."""
        await super().commit()
        self._clean = True

    async def rollback(self) -> None:
        """Roll back what was executed since the last commit. The pool does it with every connection it gets back."""
        if not self._clean:
            await super().rollback()
            self._clean = True


class OneTripCursor:
    """As much of aiosqlite's cursor as SQLAlchemy uses."""

    def __init__(self, connection: OneTripConnection) -> None:
        self.arraysize = 1
        self._connection = connection
        self._executed = Executed(None, -1, None, [])

    @property
    def description(self) -> Any:
        """See DB-API."""
        return self._executed.description

    @property
    def rowcount(self) -> int:
        """See DB-API."""
        return self._executed.rowcount

    @property
    def lastrowid(self) -> int | None:
        """See DB-API."""
        return self._executed.lastrowid

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Self:
        """Execute a statement; its rows are here then."""
        self._executed = await self._connection.run(lambda connection: connection.execute(sql, parameters))
        return self

    async def executemany(self, sql: str, parameters: Sequence[Sequence[Any]]) -> Self:
        """Execute a statement with each of the parameters."""
        self._executed = await self._connection.run(lambda connection: connection.executemany(sql, parameters))
        return self

    async def fetchall(self) -> list[Any]:
        """All rows."""
        return self._executed.rows

    async def close(self) -> None:
        """There is nothing to close: the thread has done that."""
