"""The way to a sandbox that doesn't lead through the engine: who is let in, and what happens where there is none."""

from __future__ import annotations

import asyncio
import errno
from contextlib import closing

import pytest

from runtime.engines.docker import DockerEngine
from runtime.errors import NotFound
from runtime.link.channel import RequestRefused
from tests.runtime.link.agents import ContainerAgent, ContainerAgentByTheShortWay
from tests.runtime.link.box import Box, finished, linked

VISITOR = """
import socket, sys
with socket.socket(socket.AF_UNIX) as sock:
    sock.connect(chr(0) + sys.argv[1])
    print(sock.recv(1))
"""

# Tries every address that the sandbox's network shows.
INTRUDER = """
import socket
for line in open("/proc/net/unix"):
    if "@" in line:
        with socket.socket(socket.AF_UNIX) as sock:
            print(sock.connect_ex(chr(0) + line.split("@")[1].strip()))
"""


@pytest.fixture
async def box_by_the_short_way(container_box: Box) -> Box:
    """A linked sandbox in a container of its own, which has been met."""
    assert isinstance(container_box.agent, ContainerAgent)
    container_box.agent = ContainerAgentByTheShortWay(container_box.agent.engine, container_box.agent.name)
    container_box.sandbox.close()
    await container_box.connect()
    return container_box


async def test_the_agent_alone_is_let_in(container_box: Box) -> None:
    """Code that comes first, to the very address, is turned away; the agent isn't."""
    agent = container_box.agent
    assert isinstance(agent, ContainerAgent)
    point = await agent.engine.meet(agent.name)
    assert point is not None
    accepted = asyncio.create_task(point.accept())
    seen = await container_box.run(f"python3 -c '{VISITOR}' {point.address}")
    assert seen == "b''\n"
    assert not accepted.done()
    await container_box.session.meet(point.address)
    (await accepted).close()
    point.close()


async def test_nobody_listens_afterwards(box_by_the_short_way: Box) -> None:
    """The address of a link that is in use leads nowhere."""
    outcomes = (await box_by_the_short_way.run(f"python3 -c '{INTRUDER}'")).split()
    assert set(outcomes) == {str(errno.ECONNREFUSED)}


async def test_where_there_is_none(container_box: Box) -> None:
    """An agent that can't get there says so, as gVisor's do, and the link goes on as it was."""
    with pytest.raises(RequestRefused):
        await container_box.session.meet("sandlot-nowhere")
    assert await container_box.run("echo here") == "here\n"


async def test_the_long_way_goes_on_after_the_short_one(box_by_the_short_way: Box) -> None:
    """A service that comes anew finds the agent at its standard input, and what was started runs on."""
    box = box_by_the_short_way
    spec = box.spec("sleep 0.5; echo done")
    (await box.sandbox.run(spec)).close()
    box.sandbox.close()
    assert isinstance(box.agent, ContainerAgent)
    async with linked(ContainerAgent(box.agent.engine, box.agent.name)) as again:
        call = await finished(await again.sandbox.follow(spec["id"]))
        assert call.output[0].stdout == "done\n"


async def test_an_engine_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over TCP an engine may be on any machine: there is no short way, and none is tried."""
    async with await asyncio.start_server(_pass_on, "127.0.0.1", 0) as proxy:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
        engine = await DockerEngine.connect(runtime=None, cpus=1.0)
        assert await engine.meet("sandlot-test-none") is None
        await engine.aclose()


async def test_no_sandbox(engine: DockerEngine) -> None:
    """Without a sandbox there is nothing to meet."""
    with pytest.raises(NotFound):
        await engine.meet("sandlot-test-none")


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection to the local engine."""
    engine_reader, engine_writer = await asyncio.open_unix_connection("/var/run/docker.sock")

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with closing(sink):
            while data := await source.read(65536):
                sink.write(data)

    await asyncio.gather(copy(reader, engine_writer), copy(engine_reader, writer), return_exceptions=True)
