from __future__ import annotations

import asyncio
import gc
import uuid
import weakref
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from runtime.egress.config import EgressConfig
from runtime.egress.egress import Egress
from runtime.egress.resolver import SystemResolver
from runtime.egress.sealing import Seal
from runtime.engines.docker import DockerEngine
from runtime.errors import NotFound, SandboxLost
from runtime.gates import Gates
from runtime.network_values import DomainSecret, WantedNetwork
from runtime.sandboxes import PREPARED_MEMORY, Sandboxes
from runtime.values import Container, MemoryLimit
from tests.runtime.link.agents import IMAGE
from tests.runtime.store.records import container
from tests.runtime.watched_engine import WatchedEngine

PATIENCE = 30.0
WANTED = WantedNetwork(["api.example.com"], [DomainSecret("api.example.com", "KEY", "value")])


@pytest.fixture
async def engine() -> AsyncIterator[WatchedEngine]:
    """The local Docker engine, watched."""
    connected = await DockerEngine.connect(runtime=None, cpus=1.0)
    yield WatchedEngine(connected)
    await connected.aclose()


@pytest.fixture
async def gates() -> AsyncIterator[Gates]:
    """Gates, of nothing yet."""
    async with Egress.open(EgressConfig(), SystemResolver()) as egress:
        yield Gates(egress, EgressConfig(), Seal(None))


@pytest.fixture
async def sandboxes(engine: WatchedEngine, gates: Gates) -> AsyncIterator[Sandboxes]:
    """Sandboxes that are gone in the end."""
    opened = Sandboxes(engine, gates, IMAGE, uuid.uuid4().hex)
    yield opened
    for name in await opened.on_engine():
        await opened.destroy(name)
    opened.close()


def made(gates: Gates, wanted: WantedNetwork | None) -> Container:
    """The record of a new container, whose gate is there."""
    network = gates.check(wanted)
    record = replace(container(), network=network.policy)
    gates.open(record.id, network)
    return record


async def test_without_a_network_nothing_is_said_of_one(
    engine: WatchedEngine, gates: Gates, sandboxes: Sandboxes
) -> None:
    """A container without a network costs no round trip on its link, neither at the start nor later."""
    record = made(gates, None)
    await sandboxes.start(record, None)
    engine.cut()
    await (await sandboxes.get(record.id)).list(10)
    assert engine.asked == ["list"]


async def test_a_network_is_set_on_every_link(engine: WatchedEngine, gates: Gates, sandboxes: Sandboxes) -> None:
    """At the start and when the link is new, once each; from a link that is there, nothing is asked."""
    record = made(gates, WANTED)
    await sandboxes.start(record, None)
    await sandboxes.get(record.id)
    assert engine.asked == ["network"]
    engine.cut()
    sandbox = await sandboxes.get(record.id)
    assert engine.asked == ["network", "network"]
    assert await sandboxes.get(record.id) is sandbox


async def test_a_network_that_can_not_be_set(engine: WatchedEngine, gates: Gates, sandboxes: Sandboxes) -> None:
    """Then there is no live sandbox; what the engine has of it, and its gate, go when it is destroyed."""
    record = made(gates, WANTED)
    engine.cut_at = "network"
    with pytest.raises(SandboxLost):
        await sandboxes.start(record, None)
    with pytest.raises(SandboxLost):
        await sandboxes.get(record.id)
    await sandboxes.destroy(record.id)
    assert await sandboxes.on_engine() == {}
    with pytest.raises(NotFound):
        await sandboxes.get(record.id)


async def test_a_destroyed_sandbox_has_no_gate(gates: Gates, sandboxes: Sandboxes) -> None:
    """What is destroyed reaches nothing any more, and destroying it again does no harm."""
    record = made(gates, WANTED)
    await sandboxes.start(record, None)
    for _ in range(2):
        await sandboxes.destroy(record.id)
        with pytest.raises(NotFound):
            gates.get(record.id)


async def prepared(gates: Gates, sandboxes: Sandboxes, limit: MemoryLimit = PREPARED_MEMORY) -> Container:
    """The record of a new container, for which there is a sandbox that was started ahead."""
    record = replace(made(gates, None), memory_limit=limit)
    await sandboxes.prepare(record.id, "a fingerprint")
    return record


async def test_a_prepared_one_is_not_asked_anything(engine: WatchedEngine, gates: Gates, sandboxes: Sandboxes) -> None:
    """A container without a network that takes a prepared sandbox as it is costs no round trip on the link."""
    record = await prepared(gates, sandboxes)
    await sandboxes.fit(record, None)
    assert engine.asked == []
    assert await sandboxes.prepared("a fingerprint") == [record.id]
    assert await sandboxes.prepared("another") == []


async def test_a_prepared_one_that_has_gone(gates: Gates, sandboxes: Sandboxes) -> None:
    """Once its link has ended it is of no use, and it isn't linked to again."""
    record = await prepared(gates, sandboxes)
    remove(record.id)
    async with asyncio.timeout(PATIENCE):
        while not sandboxes.lost(record.id):  # noqa: ASYNC110 - a link tells nobody
            await asyncio.sleep(0.01)
    with pytest.raises(SandboxLost):
        await sandboxes.fit(record, None)


async def test_one_that_has_gone_takes_no_memory(gates: Gates, sandboxes: Sandboxes) -> None:
    """Nothing is kept of it and its link, though nobody asks for it again."""
    kept = weakref.ref(await sandboxes.start(record := made(gates, None), None))
    remove(record.id)
    async with asyncio.timeout(PATIENCE):
        while kept() is not None:
            gc.collect()
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("limit", "with_files"), [(MemoryLimit.GIB_4, False), (PREPARED_MEMORY, True)])
async def test_a_prepared_one_that_is_just_going(
    gates: Gates, sandboxes: Sandboxes, tmp_path: Path, limit: MemoryLimit, with_files: bool
) -> None:
    """One that the engine turns out not to have any more is lost, whatever had to be changed in it."""
    record = await prepared(gates, sandboxes, limit)
    remove(record.id)
    (tmp_path / "files").write_bytes(bytes(1024))
    with pytest.raises(SandboxLost):
        await sandboxes.fit(record, tmp_path / "files" if with_files else None)


def remove(name: str) -> None:
    """Remove a sandbox behind everybody's back."""
    with closing(docker.from_env()) as client:
        client.api.remove_container(name, force=True)
