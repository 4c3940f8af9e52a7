"""Every engine there is, and sandboxes on it that are gone at the end."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from runtime.engines.base import Engine, SandboxSpec
from runtime.engines.docker import DockerEngine
from tests.oci_runtimes import DEFAULT, GVISOR, OCI_RUNTIMES
from tests.runtime.link.agents import IMAGE, container_agent
from tests.runtime.link.box import Box, linked

collect_ignore = [] if GVISOR in OCI_RUNTIMES else ["test_gvisor.py"]

CPUS = 0.75
MEMORY = 512 * 1024**2


class Workshop:
    """Makes sandboxes that all have one label."""

    def __init__(self, engine: Engine) -> None:
        self.labels = {"sandlot.test": uuid.uuid4().hex}
        self._engine = engine

    def spec(self, command: Sequence[str], **labels: str) -> SandboxSpec:
        """A sandbox with a new name."""
        return SandboxSpec(f"sandlot-test-{uuid.uuid4().hex}", IMAGE, command, MEMORY, self.labels | labels)

    async def make(self, script: str, **labels: str) -> str:
        """A sandbox that runs a script; its name."""
        spec = self.spec(("sh", "-c", script), **labels)
        await self._engine.create(spec)
        return spec.name

    async def clear(self) -> None:
        """Destroy all of them."""
        for handle in await self._engine.list(self.labels):
            await self._engine.destroy(handle.name)
        assert await self._engine.list(self.labels) == []


@pytest.fixture(scope="session", params=OCI_RUNTIMES)
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    """Docker with each of its runtimes."""
    connected = await DockerEngine.connect(runtime=request.param, cpus=CPUS)
    yield connected
    await connected.aclose()


@pytest.fixture
async def workshop(engine: Engine) -> AsyncIterator[Workshop]:
    """A maker of sandboxes, for one test."""
    made = Workshop(engine)
    yield made
    await made.clear()


@pytest.fixture(scope="session")
async def inside() -> AsyncIterator[Box]:
    """A sandbox on the host's own kernel, to look around in."""
    async with sandbox_on(DEFAULT) as box:
        yield box


@asynccontextmanager
async def sandbox_on(oci_runtime: str) -> AsyncIterator[Box]:
    """A new sandbox, with its link."""
    engine = await DockerEngine.connect(runtime=oci_runtime, cpus=CPUS)
    name = f"sandlot-test-{uuid.uuid4().hex}"
    async with container_agent(engine, name, {"sandlot.test": "inside"}) as agent, linked(agent) as box:
        yield box
    await engine.aclose()
