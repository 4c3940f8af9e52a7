"""A store in a real SQLite file, new for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runtime.store.base import Store
from runtime.store.database import open_store, sqlite_url


@pytest.fixture
def database_file(tmp_path: Path) -> Path:
    """Where the test's database is, or will be."""
    return tmp_path / "sandlot.db"


@pytest.fixture
async def store(database_file: Path) -> AsyncIterator[Store]:
    """An open, empty store."""
    async with open_store(sqlite_url(database_file)) as opened:
        yield opened
