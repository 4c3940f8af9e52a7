"""What the tests of abuse share."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest


@pytest.fixture(scope="module")
def shared(http: httpx.Client) -> Iterator[str]:
    """The id of one container for all tests of a module that only look around in it."""
    container_id = str(http.post("/containers", json={"name": "shared"}).raise_for_status().json()["id"])
    yield container_id
    http.delete(f"/containers/{container_id}").raise_for_status()
