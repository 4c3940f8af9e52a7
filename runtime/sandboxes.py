"""The live sandboxes: started, found again after a restart, destroyed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from weakref import WeakValueDictionary

from runtime.engines.base import Engine, SandboxSpec
from runtime.errors import StorageFull
from runtime.gates import Gates
from runtime.link.bootstrap import COMMAND, agent_bundle
from runtime.link.channel import RequestRefused
from runtime.link.session import LinkSession, OnOpen
from runtime.sandbox import ROOT, Sandbox
from runtime.values import Container
from runtime.way_out import onto

log = logging.getLogger(__name__)

BOOT_SECONDS = 30.0  # for a new agent to answer; 0.1 on an idle machine
REJOIN_SECONDS = 10.0  # for one that runs already
MEET_SECONDS = 5.0  # for one to come to a meeting point

INSTANCE_LABEL = "sandlot.instance"


class Sandboxes:
    """Sandboxes by the id of the container they are. The engine knows them by that id too."""

    def __init__(self, engine: Engine, gates: Gates, image: str, instance_id: str) -> None:
        self._engine = engine
        self._gates = gates
        self._image = image
        self._labels = {INSTANCE_LABEL: instance_id}
        self._live: dict[str, Sandbox] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def start(self, container: Container, files: Path | None) -> Sandbox:
        """Make the sandbox of a new container, with what is in a tar (see SandboxSpec). Its agent has answered.

        Its gate has to be there. On an error the engine may be left with a sandbox, or a part of one: destroy it.
        """
        spec = SandboxSpec(
            name=container.id,
            image=self._image,
            command=COMMAND,
            memory=container.memory_limit.bytes,
            labels=self._labels,
            files=files,
        )
        await self._engine.create(spec)
        async with self._linked(container.id, BOOT_SECONDS, agent_bundle(ROOT)) as sandbox:
            await self._set_network(container.id, sandbox)
        return sandbox

    async def get(self, container_id: str) -> Sandbox:
        """The container's sandbox, with its link; NotFound when the engine no longer runs it."""
        sandbox = self._live.get(container_id)
        if sandbox is not None and not sandbox.lost:
            return sandbox
        async with self._locks.setdefault(container_id, asyncio.Lock()):
            sandbox = self._live.get(container_id)
            if sandbox is None or sandbox.lost:
                async with self._linked(container_id, REJOIN_SECONDS) as sandbox:
                    try:
                        await self._set_network(container_id, sandbox)
                    except StorageFull:  # by what its programs wrote, and it takes a command to remove that
                        log.warning("%s is full: its programs can't get to know their new authority", container_id)
        return sandbox

    async def destroy(self, container_id: str) -> None:
        """Remove the sandbox, whatever state it is in, and close its gate; nothing happens when there is none."""
        self._gates.close(container_id)
        sandbox = self._live.pop(container_id, None)
        if sandbox is not None:
            sandbox.close()
        await self._engine.destroy(container_id)

    async def on_engine(self) -> dict[str, bool]:
        """The ids of all sandboxes of this installation that the engine has, and whether they run."""
        return {handle.name: handle.running for handle in await self._engine.list(self._labels)}

    async def ping(self) -> None:
        """Return if the engine answers; EngineUnavailable otherwise."""
        await self._engine.ping()

    def close(self) -> None:
        """End all links. The sandboxes go on."""
        for sandbox in self._live.values():
            sandbox.close()
        self._live.clear()

    @asynccontextmanager
    async def _linked(self, container_id: str, deadline: float, first: bytes = b"") -> AsyncIterator[Sandbox]:
        """A new link to a sandbox that runs, to which `first` is said before anything else.

        The sandbox is live from the end of the context on; when that fails, or its gate was closed meanwhile, the link
        ends.
        """
        gate = self._gates.get(container_id)
        stream = await self._engine.attach(container_id)
        stream.write(first)
        session = await LinkSession.establish(stream, deadline, onto(gate))
        sandbox = Sandbox(await self._shortened(container_id, session, onto(gate)))
        try:
            yield sandbox
            self._gates.get(container_id)
        except BaseException:
            sandbox.close()
            raise
        self._live[container_id] = sandbox

    async def _shortened(self, container_id: str, session: LinkSession, on_open: OnOpen) -> LinkSession:
        """The link by a shorter way than through the engine, where there is one; or as it is."""
        try:
            point = await self._engine.meet(container_id)
            if point is None:
                return session
            try:
                async with asyncio.timeout(MEET_SECONDS):
                    await session.meet(point.address)
                    stream = await point.accept()
            except (RequestRefused, TimeoutError):
                return session
            finally:
                point.close()
            shorter = await LinkSession.establish(stream, REJOIN_SECONDS, on_open)
        except BaseException:
            session.close()
            raise
        session.close()
        return shorter

    async def _set_network(self, container_id: str, sandbox: Sandbox) -> None:
        """Tell the sandbox of its network, if it has one."""
        gate = self._gates.get(container_id)
        if gate.policy.enabled:
            domains, ports = gate.policy.allowed_domains, self._gates.ports
            await sandbox.set_network(domains, ports, gate.environment, gate.authority)
