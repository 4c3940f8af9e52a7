"""What the use of a container costs, and what becomes of one that can't be used."""

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
from runtime.errors import ContainerExpired
from runtime.link import session
from runtime.link.frames import VERSION
from runtime.runtime import Runtime
from runtime.values import ContainerSpec, ContainerStatus, ShellCallSpec
from tests.faulty_engine import FaultyEngine

OWNER = "key_1"
CALLS = 5
SPEC = ShellCallSpec(["true"], None, 1000, "/mnt/data")


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
    with FaultyEngine() as engine, statements() as asked:
        monkeypatch.setenv("DOCKER_HOST", engine.address)
        async with Runtime.open(Config(tmp_path / "data", pool_size=0, pool_max_size=0)) as runtime:
            made = await runtime.containers.create(OWNER, ContainerSpec("test"))
            await runtime.shell_calls.run(OWNER, made.id, SPEC)
            await asyncio.sleep(1.1)  # times are in seconds
            before = len(engine.asked), len(asked)
            for _ in range(CALLS):
                await runtime.shell_calls.run(OWNER, made.id, SPEC)
            assert (engine.asked[before[0] :], asked[before[1] :]) == ([], [])
            found = await runtime.containers.retrieve(OWNER, made.id)
            assert found.last_active_at > made.last_active_at
            await runtime.containers.delete(OWNER, made.id)
            await removed(runtime)


async def test_what_another_version_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that the service of before made, and this one can't talk to, is expired when it is used."""
    config = Config(tmp_path / "data", pool_size=0, pool_max_size=0)
    async with Runtime.open(config) as runtime:
        owner = (await runtime.keys.create("test"))[0].id
        made = await runtime.containers.create(owner, ContainerSpec("test"))
    monkeypatch.setattr(session, "VERSION", VERSION + 1)
    async with Runtime.open(config) as runtime:
        for _ in range(2):
            with pytest.raises(ContainerExpired):
                await runtime.shell_calls.run(owner, made.id, SPEC)
        assert (await runtime.containers.retrieve(owner, made.id)).status is ContainerStatus.EXPIRED
        await removed(runtime)


async def removed(runtime: Runtime) -> None:
    """Return once the engine has no sandbox of the runtime's any more."""
    async with asyncio.timeout(60):
        while await runtime.sandboxes.on_engine():  # noqa: ASYNC110 - a removal tells nobody
            await asyncio.sleep(0.05)
