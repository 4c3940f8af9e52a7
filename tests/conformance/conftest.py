"""What the tests of the API's promises share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import httpx
import pytest

from runtime.ids import new_container_id
from runtime.store.database import open_store, sqlite_url
from runtime.values import ContainerStatus
from tests.runtime.store.records import container
from tests.service import Service
from tests.shell import run

CROWD = 250
EXPIRED = ContainerStatus.EXPIRED


@pytest.fixture(scope="module")
def nothing_made(service: Service, http: httpx.Client, shared: str) -> Iterator[None]:
    """Hold that all tests of a module together make no container and no file: no record, nothing on the engine."""

    def there() -> tuple[list[str], list[str], str]:
        records = [each["id"] for each in http.get("/containers", params={"limit": 100}).json()["data"]]
        files = run(http, shared, "find /mnt/data /tmp -mindepth 1; pgrep -a sleep")["stdout"]
        return sorted(service.engine_containers()), records, files

    before = there()
    yield
    assert there() == before


@pytest.fixture(scope="module")
def nothing_stored(service: Service, http: httpx.Client) -> Iterator[None]:
    """Hold that all tests of a module together leave no file and no skill behind: no record, no byte on the disk."""

    def there() -> tuple[list[str], list[str], list[str]]:
        files, skills = (
            sorted(item["id"] for item in http.get(route, params={"limit": 100}).json()["data"])
            for route in ("/files", "/skills")
        )
        folders = (service.data_dir / name for name in ("blobs", "spool"))
        return files, skills, sorted(str(path) for folder in folders for path in folder.rglob("*") if path.is_file())

    before = there()
    yield
    assert there() == before


@pytest.fixture(scope="package")
async def crowd(service: Service) -> AsyncIterator[list[str]]:
    """The ids of 250 records of expired containers, the oldest first; every second is named `even`, the others `odd`.

    They are made in the service's own database while it runs. Ten at a time are of the same second.
    """
    ids = sorted(new_container_id() for _ in range(CROWD))
    async with open_store(sqlite_url(service.data_dir / "sandlot.db")) as store:
        owner = (await store.keys.list())[0].id
        for number, container_id in enumerate(ids):
            name, made_at = "odd" if number % 2 else "even", 1_700_000_000 + number // 10
            made = container(owner=owner, name=name, status=EXPIRED, created_at=made_at, last_active_at=made_at)
            await store.containers.add(replace(made, id=container_id))
        yield ids
        for container_id in ids:
            await store.containers.remove(container_id)
