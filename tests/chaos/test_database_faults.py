"""A database that takes nothing any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest

from tests.envelope import refusal
from tests.refusing_database import refusing
from tests.service import SETTLED_SECONDS, Service, wait_until

ROOM = 2
OF_A_NETWORK = {"type": "allowlist", "allowed_domains": ["allowed.example.com"]}


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with room for some containers."""
    with Service(tmp_path_factory.mktemp("bounded"), {"MAX_CONTAINERS": str(ROOM)}) as running:
        yield running


@pytest.mark.parametrize("operation", ["INSERT", "UPDATE"])
def test_creates_that_can_not_be_recorded(bounded: Service, operation: Literal["INSERT", "UPDATE"]) -> None:
    """A create whose record can't be written fails, leaves nothing behind, and takes nobody's place."""
    with bounded.http() as http:
        with refusing(bounded.data_dir / "sandlot.db", operation, "containers"):
            for _ in range(ROOM + 1):
                refusal(http.post("/containers", json={"name": "x", "network_policy": OF_A_NETWORK}), 500)
        assert http.get("/containers").json()["data"] == []
        for _ in range(ROOM):
            http.post("/containers", json={"name": "x"}).raise_for_status()
        wait_until(lambda: len(bounded.on_engine()) == ROOM, SETTLED_SECONDS, "Something is left of them")
    bounded.delete_containers()
