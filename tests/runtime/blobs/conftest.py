"""The same tests on every kind of storage."""

from __future__ import annotations

import pytest

from runtime.blobs.base import BlobStore
from tests.runtime.blobs.storages import Storage


@pytest.fixture
def storage(place: Storage) -> Storage:
    """An empty storage of each kind."""
    return place


@pytest.fixture
async def blobs(storage: Storage) -> BlobStore:
    """A store on an empty storage of each kind."""
    return await storage.open()
