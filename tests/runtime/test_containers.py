"""What the use of a container costs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import event

from runtime import runtime as runtime_module
from runtime.config import Config
from runtime.runtime import Runtime
from runtime.values import ContainerSpec, ShellCallSpec
from tests.faulty_engine import FaultyEngine

OWNER = "key_1"
CALLS = 5


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is asked of databases meanwhile."""
    asked: list[str] = []

    def note(*arguments: object) -> None:
        asked.append(str(arguments[2]))

    event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(sqlalchemy.Engine, "before_cursor_execute", note)


async def test_a_use_is_between_the_service_and_the_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell call asks nothing of the engine and nothing of the database; that it was made is known all the same."""
    for name in ("SWEEP_SECONDS", "RECONCILE_SECONDS"):
        monkeypatch.setattr(runtime_module, name, 3600)
    spec = ShellCallSpec(["true"], None, 1000, "/mnt/data")
    with FaultyEngine() as engine, statements() as asked:
        monkeypatch.setenv("DOCKER_HOST", engine.address)
        async with Runtime.open(Config(tmp_path / "data", pool_size=0, pool_max_size=0)) as runtime:
            made = await runtime.containers.create(OWNER, ContainerSpec("test"))
            await runtime.shell_calls.run(OWNER, made.id, spec)
            await asyncio.sleep(1.1)  # times are in seconds
            before = len(engine.asked), len(asked)
            for _ in range(CALLS):
                await runtime.shell_calls.run(OWNER, made.id, spec)
            assert (engine.asked[before[0] :], asked[before[1] :]) == ([], [])
            found = await runtime.containers.retrieve(OWNER, made.id)
            assert found.last_active_at > made.last_active_at
            await runtime.containers.delete(OWNER, made.id)
            async with asyncio.timeout(60):
                while await runtime.sandboxes.on_engine():  # noqa: ASYNC110 - a removal tells nobody
                    await asyncio.sleep(0.05)
