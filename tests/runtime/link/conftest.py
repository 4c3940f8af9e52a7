"""The same link twice: to an agent in a process, and to one in a container."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest

from runtime.engines.docker import DockerEngine
from tests.runtime.link.agents import Agent, ProcessAgent, container_agent, process_agent
from tests.runtime.link.box import Box, linked

LABELS = {"sandlot.test": "link"}


@pytest.fixture(scope="session")
async def engine() -> AsyncIterator[DockerEngine]:
    """The local Docker engine."""
    connected = await DockerEngine.connect(runtime=None, cpus=1.0)
    yield connected
    await connected.aclose()


@pytest.fixture(params=["process", "container"])
async def agent(request: pytest.FixtureRequest, engine: DockerEngine) -> AsyncIterator[Agent]:
    """An agent of each kind."""
    kinds: dict[str, AbstractAsyncContextManager[Agent]] = {
        "process": process_agent(),
        "container": container_agent(engine, f"sandlot-test-{uuid.uuid4().hex}", LABELS),
    }
    async with kinds[request.param] as started:
        yield started


@pytest.fixture
async def agent_process() -> AsyncIterator[ProcessAgent]:
    """An agent in a process on this machine."""
    async with process_agent() as started:
        yield started


@pytest.fixture
async def box(agent: Agent) -> AsyncIterator[Box]:
    """A linked sandbox of each kind."""
    async with linked(agent) as connected:
        yield connected


@pytest.fixture
async def process_box(agent_process: ProcessAgent) -> AsyncIterator[Box]:
    """A linked sandbox in a process on this machine."""
    async with linked(agent_process) as connected:
        yield connected


@pytest.fixture
async def container_box(engine: DockerEngine) -> AsyncIterator[Box]:
    """A linked sandbox in a container."""
    async with container_agent(engine, f"sandlot-test-{uuid.uuid4().hex}", LABELS) as started, linked(started) as box:
        yield box
