"""The same link three times: to an agent in a process, and to one in a container, on each way there is to it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, nullcontext

import pytest

from runtime.engines.docker import DockerEngine
from tests.runtime.link.agents import Agent, ContainerAgent, ContainerAgentByTheShortWay, container_agent, process_agent
from tests.runtime.link.box import Box, linked
from tests.runtime.link.networked import NetworkedBox, outside

LABELS = {"sandlot.test": "link"}


@pytest.fixture(scope="session")
async def engine() -> AsyncIterator[DockerEngine]:
    """The local Docker engine."""
    connected = await DockerEngine.connect(runtime=None, cpus=1.0)
    yield connected
    await connected.aclose()


@pytest.fixture(scope="session")
async def shared_container(engine: DockerEngine) -> AsyncIterator[ContainerAgent]:
    """An agent in a container, for all tests that leave it as they found it."""
    async with container_agent(engine, _name(), LABELS) as agent:
        yield agent


@pytest.fixture(params=["process", "container", "short way"])
async def box(request: pytest.FixtureRequest, shared_container: ContainerAgent) -> AsyncIterator[Box]:
    """A linked sandbox of each kind, without files."""
    kinds: dict[str, AbstractAsyncContextManager[Agent]] = {
        "process": process_agent(),
        "container": nullcontext(shared_container),
        "short way": nullcontext(ContainerAgentByTheShortWay(shared_container.engine, shared_container.name)),
    }
    async with kinds[request.param] as agent, linked(agent) as connected:
        await connected.run("chmod -R u+w .; rm -rf -- * .[!.]* ..?*")
        yield connected


@pytest.fixture
async def container_box(engine: DockerEngine) -> AsyncIterator[Box]:
    """A linked sandbox in a container of its own."""
    async with container_agent(engine, _name(), LABELS) as agent, linked(agent) as connected:
        yield connected


@pytest.fixture(scope="session")
async def networked_container(engine: DockerEngine) -> AsyncIterator[Agent]:
    """An agent in a container that has been told of a network, for all tests that leave it as they found it."""
    async with container_agent(engine, _name(), LABELS) as agent:
        yield agent


@pytest.fixture
async def networked(networked_container: Agent) -> AsyncIterator[NetworkedBox]:
    """A linked sandbox with a network, to whose other side the test is."""
    async with outside(networked_container) as box:
        yield box


@pytest.fixture
async def networked_alone(engine: DockerEngine) -> AsyncIterator[NetworkedBox]:
    """The same in a container of its own."""
    async with container_agent(engine, _name(), LABELS) as agent, outside(agent) as box:
        yield box


def _name() -> str:
    return f"sandlot-test-{uuid.uuid4().hex}"
