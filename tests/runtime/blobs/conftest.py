"""The same tests on every kind of storage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.blobs.base import BlobStore
from tests.runtime.blobs.storages import FolderStorage, S3Storage, Storage
from tests.s3 import S3Server


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A running S3 server."""
    with S3Server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path, s3: S3Server) -> Storage:
    """An empty storage of each kind."""
    return FolderStorage(tmp_path / "blobs") if request.param == "folder" else S3Storage(s3)


@pytest.fixture
async def blobs(storage: Storage) -> BlobStore:
    """A store on an empty storage of each kind."""
    return await storage.open()
