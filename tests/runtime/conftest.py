"""What tests of the runtime share: a real store, and places for blobs."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from runtime.storage import Storage
from runtime.store.base import Store
from runtime.store.database import open_store, sqlite_url
from tests.runtime.blobs.storages import FolderStorage, S3Storage
from tests.runtime.blobs.storages import Storage as Place
from tests.runtime.flaky_blobs import FlakyBlobStore
from tests.s3 import S3Server

QUOTA = 100_000
SMALL_DISK = 4 * 1024**2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, with room for SMALL_DISK bytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.fixture
def database_file(tmp_path: Path) -> Path:
    """Where the test's database is, or will be."""
    return tmp_path / "sandlot.db"


@pytest.fixture
async def store(database_file: Path) -> AsyncIterator[Store]:
    """An open, empty store in a real SQLite file."""
    async with open_store(sqlite_url(database_file)) as opened:
        yield opened


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A running S3 server."""
    with S3Server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty place for blobs, of each kind."""
    return FolderStorage(tmp_path / "blobs") if request.param == "folder" else S3Storage(request.getfixturevalue("s3"))


@pytest.fixture
async def flaky(place: Place) -> FlakyBlobStore:
    """Blobs in that place, whose removal can be made to fail."""
    return FlakyBlobStore(await place.open())


@pytest.fixture
def storage(flaky: FlakyBlobStore, store: Store) -> Storage:
    """A storage that holds little for each owner."""
    return Storage(flaky, store.blobs, QUOTA)
