"""Which containers are made when many are asked for."""

from __future__ import annotations

import asyncio
from pathlib import Path

from runtime.config import Config
from runtime.errors import Busy, InvalidInput
from runtime.runtime import Runtime
from runtime.skill_values import InlineSkill
from runtime.values import ContainerSpec

OWNER = "key_1"


async def test_room_is_kept_before_any_work(tmp_path: Path) -> None:
    """Of creates at once just below the most there may be, only those that will be made have their skills looked at."""
    spec = ContainerSpec("test", skills=[InlineSkill("broken", b"no zip")])
    async with Runtime.open(Config(tmp_path / "data", pool_size=0, pool_max_size=0, max_containers=1)) as runtime:
        outcomes = await asyncio.gather(
            *(runtime.containers.create(OWNER, spec) for _ in range(4)), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes] == [InvalidInput, Busy, Busy, Busy]
        made = await runtime.containers.create(OWNER, ContainerSpec("test"))  # what was refused takes no place
        await runtime.sandboxes.destroy(made.id)
