"""A database that can be read and not written, as that of a full disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal


@contextmanager
def refusing(database_file: Path, operation: Literal["INSERT", "UPDATE"], table: str) -> Iterator[None]:
    """Until the end of the context each such operation fails, whoever has the database open."""
    with closing(sqlite3.connect(database_file, timeout=30)) as database:
        database.execute(
            f"CREATE TRIGGER refused BEFORE {operation} ON {table} BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END"
        )
        try:
            yield
        finally:
            database.execute("DROP TRIGGER refused")
