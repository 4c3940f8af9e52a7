"""What the tests of abuse share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from tests.service import NO_TLS, ROOT, Service
from tests.shell import run


@pytest.fixture(scope="session")
def stranger(service: Service) -> Iterator[httpx.Client]:
    """A client with a key of its own, made by the command line while the service runs."""
    made = subprocess.run(
        [sys.executable, "-m", "api.cli.main", "keys", "create", "stranger"],
        cwd=ROOT,
        env={**os.environ, "SANDLOT_DATA_DIR": str(service.data_dir)},
        capture_output=True,
        text=True,
        check=True,
    )
    headers = {"authorization": f"Bearer {made.stdout.strip()}"}
    with httpx.Client(base_url=service.base_url, headers=headers, timeout=60, verify=NO_TLS) as connected:
        yield connected


@pytest.fixture
def emptied(http: httpx.Client, shared: str) -> Iterator[str]:
    """The id of the shared container, for tests that only leave files in it: they are removed."""
    yield shared
    run(http, shared, "find /mnt/data -mindepth 1 -delete")
