"""Every engine there is, and sandboxes on it that are gone at the end."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from runtime.engines.base import Engine, SandboxSpec
from runtime.engines.docker import DockerEngine
from tests.runtime.link.agents import IMAGE, container_agent
from tests.runtime.link.box import Box, linked

CPUS = 0.75
MEMORY = 512 * 1024**2

ENGINES: dict[str, Callable[[], Awaitable[Engine]]] = {
    "docker": lambda: DockerEngine.connect(runtime=None, cpus=CPUS),
}


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


@pytest.fixture(scope="session", params=ENGINES)
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    """An engine of each kind."""
    connected = await ENGINES[request.param]()
    yield connected
    await connected.aclose()


@pytest.fixture
async def workshop(engine: Engine) -> AsyncIterator[Workshop]:
    """A maker of sandboxes, for one test."""
    made = Workshop(engine)
    yield made
    await made.clear()


@pytest.fixture(scope="session")
async def inside(engine: Engine) -> AsyncIterator[Box]:
    """A sandbox to look around in."""
    name = f"sandlot-test-{uuid.uuid4().hex}"
    async with container_agent(engine, name, {"sandlot.test": "inside"}) as agent, linked(agent) as box:
        yield box
