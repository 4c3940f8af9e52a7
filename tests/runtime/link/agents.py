"""Real agents to talk to: one in a process on this machine, one in a container, on each way there is to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from runtime.engines.base import Engine, SandboxSpec
from runtime.link.bootstrap import COMMAND, agent_bundle
from runtime.link.session import LinkSession
from runtime.sandbox import ROOT
from runtime.streams import ByteStream
from runtime.values import GIB
from tests.runtime.link.pipe_stream import PipeStream

IMAGE = "sandlot/sandbox:latest"
NOBODY = 65534
START_SECONDS = 30.0


class Agent(Protocol):
    """An agent that runs. `root` is its folder of files."""

    @property
    def root(self) -> str:
        """The folder, as commands see it."""

    async def attach(self) -> ByteStream:
        """A new stream to it; the one before should be closed by then."""


@dataclass(frozen=True)
class ProcessAgent:
    """An agent on this machine. It isn't the first process, so it lets strays and orphans be."""

    root: str
    process: subprocess.Popen[bytes]

    async def attach(self) -> PipeStream:
        """See Agent."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        return await PipeStream.connect(self.process.stdout.fileno(), self.process.stdin.fileno())


@dataclass(frozen=True)
class ContainerAgent:
    """An agent in a sandbox as the engine makes it."""

    engine: Engine
    name: str
    root: str = ROOT

    async def attach(self) -> ByteStream:
        """See Agent."""
        return await self.engine.attach(self.name)


@dataclass(frozen=True)
class ContainerAgentByTheShortWay(ContainerAgent):
    """The same agent, met at a socket."""

    async def attach(self) -> ByteStream:
        """See Agent."""
        session = await LinkSession.establish(await self.engine.attach(self.name), START_SECONDS)
        point = await self.engine.meet(self.name)
        assert point is not None
        await session.meet(point.address)
        stream = await point.accept()
        point.close()
        session.close()
        return stream


@asynccontextmanager
async def process_agent(
    descriptors: int = 1024, altered: Callable[[bytes], bytes] = bytes
) -> AsyncIterator[ProcessAgent]:
    """An agent with a folder of its own, that may have so many descriptors, from a bundle that is `altered`."""
    root = tempfile.mkdtemp(prefix="agent-")
    agent = ProcessAgent(root, _start(root, descriptors, altered(agent_bundle(root))))
    try:
        yield agent
    finally:
        agent.process.kill()
        agent.process.wait()
        for pipe in (agent.process.stdin, agent.process.stdout):
            assert pipe is not None
            pipe.close()
        shutil.rmtree(root, ignore_errors=True)  # what a test has left running may still write to it


def _start(root: str, descriptors: int, bundle: bytes) -> subprocess.Popen[bytes]:
    """A process that becomes an agent by a bundle, under the account `nobody` where that can be had."""
    user = None
    if os.getuid() == 0:
        os.chown(root, NOBODY, NOBODY)
        user = NOBODY
    python = shutil.which("python3", path=os.defpath) or sys.executable
    process = subprocess.Popen(
        ["sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh", python, *COMMAND[1:]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    assert process.stdin is not None
    process.stdin.write(bundle)
    return process


@asynccontextmanager
async def container_agent(engine: Engine, name: str, labels: dict[str, str]) -> AsyncIterator[ContainerAgent]:
    """An agent in a new container, which is removed at the end."""
    agent = ContainerAgent(engine, name)
    try:
        await engine.create(SandboxSpec(name, IMAGE, COMMAND, GIB, labels))
        stream = await agent.attach()
        stream.write(agent_bundle(ROOT))
        (await LinkSession.establish(stream, START_SECONDS)).close()
        yield agent
    finally:
        await engine.destroy(name)
