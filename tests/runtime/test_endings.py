"""What becomes of a container whose end several are at, or whoever asked for it leaves."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from runtime.config import Config
from runtime.errors import ContainerExpired, NotFound
from runtime.runtime import Runtime
from runtime.values import ContainerSpec, ContainerStatus

OWNER = "key_1"


async def test_one_that_was_made_meanwhile(tmp_path: Path) -> None:
    """A container whose record was read just before its create was through isn't taken for one that never was."""
    async with Runtime.open(Config(tmp_path / "data", pool_size=0, pool_max_size=0)) as runtime:
        made = await runtime.containers.create(OWNER, ContainerSpec("test"))
        try:
            await runtime.endings.abandon(replace(made, status=ContainerStatus.CREATING))
            assert (await runtime.containers.retrieve(OWNER, made.id)).status is ContainerStatus.RUNNING
            with await runtime.containers.use(OWNER, made.id) as lease:
                assert not lease.sandbox.lost
        finally:
            await runtime.sandboxes.destroy(made.id)


@pytest.mark.parametrize("end", ["delete", "expire"])
async def test_an_end_that_is_called_off(tmp_path: Path, end: Literal["delete", "expire"]) -> None:
    """A container whose end is recorded is cut off, though who asked for it has left while the database was slow."""
    async with Runtime.open(Config(tmp_path / "data", pool_size=0, pool_max_size=0)) as runtime:
        made = await runtime.containers.create(OWNER, ContainerSpec("test"))
        containers = runtime.containers
        asked = containers.delete(OWNER, made.id) if end == "delete" else runtime.endings.expire(made)
        with closing(sqlite3.connect(tmp_path / "data" / "sandlot.db")) as database:
            database.execute("BEGIN IMMEDIATE")
            ending = asyncio.create_task(asked)
            await asyncio.sleep(0.1)
            ending.cancel()
            await asyncio.sleep(0.1)
        await asyncio.wait([ending])
        assert ending.cancelled()
        assert runtime.sandboxes.lost(made.id)
        with pytest.raises(NotFound if end == "delete" else ContainerExpired):
            await containers.use(OWNER, made.id)
        await runtime.sandboxes.destroy(made.id)
