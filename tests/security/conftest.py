"""What the tests of abuse share."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.shell import run


@pytest.fixture
def emptied(http: httpx.Client, shared: str) -> Iterator[str]:
    """The id of the shared container, for tests that only leave files in it: they are removed."""
    yield shared
    run(http, shared, "find /mnt/data -mindepth 1 -delete")
