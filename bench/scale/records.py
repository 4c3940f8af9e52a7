"""Records of containers that were, in the database of a service that is yet to start."""

from __future__ import annotations

import asyncio
from pathlib import Path

from runtime.keys import KeyService
from runtime.store.database import open_store, sqlite_url
from runtime.values import Container, ContainerStatus
from tests.runtime.store.records import container

FIRST = 1_700_000_000
STEP = 60


def fill(data_dir: Path, api_key: str, count: int) -> list[str]:
    """Keep so many expired containers, made one after the other by the owner of a key: their ids, the oldest first."""
    data_dir.mkdir(mode=0o700, exist_ok=True)
    return asyncio.run(_fill(data_dir, api_key, count))


async def _fill(data_dir: Path, api_key: str, count: int) -> list[str]:
    async with open_store(sqlite_url(data_dir / "sandlot.db")) as store:
        keys = KeyService(store.keys, store.blobs)
        await keys.ensure(api_key)
        owner = (await keys.authenticate(api_key)).id
        made = [_expired(owner, FIRST + STEP * number) for number in range(count)]
        for each in made:
            await store.containers.add(each)
    return [each.id for each in made]


def _expired(owner: str, created_at: int) -> Container:
    expired = ContainerStatus.EXPIRED
    return container(owner=owner, name="bench", status=expired, created_at=created_at, last_active_at=created_at)
