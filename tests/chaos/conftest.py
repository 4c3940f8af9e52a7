"""A service that may be ended in any way, apart from the one that other tests share."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.chaos.engine import kill_sandbox
from tests.service import Service


@pytest.fixture(scope="package", autouse=True)
def unattended(http: httpx.Client) -> Iterator[str]:
    """The id of a container whose sandbox is killed before these tests begin, and which nobody uses since."""
    made = str(http.post("/containers", json={"name": "unattended"}).raise_for_status().json()["id"])
    kill_sandbox(made)
    yield made
    http.delete(f"/containers/{made}").raise_for_status()


@pytest.fixture(scope="package")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A running service. A test that ends it starts it again."""
    with Service(tmp_path_factory.mktemp("mortal")) as running:
        yield running


@pytest.fixture
def client_of(mortal: Service) -> Iterator[httpx.Client]:
    """A client of the mortal service, with its key."""
    with mortal.http() as connected:
        yield connected


@pytest.fixture
def container_id(client_of: httpx.Client) -> Iterator[str]:
    """The id of a container of the mortal service; deleted afterwards, whether or not the test has deleted it."""
    made = str(client_of.post("/containers", json={"name": "test"}).raise_for_status().json()["id"])
    yield made
    client_of.delete(f"/containers/{made}")
