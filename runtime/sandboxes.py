"""The live sandboxes: started, ahead of their containers or with them, found again after a restart, destroyed."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from weakref import WeakValueDictionary

from runtime.engines.base import Engine, MeetingPoint, SandboxSpec
from runtime.errors import NotFound, SandboxLost, StorageFull
from runtime.gates import Gates
from runtime.link.bootstrap import COMMAND, agent_bundle, agent_fingerprint
from runtime.link.channel import RequestRefused
from runtime.link.session import LinkSession, OnOpen
from runtime.sandbox import ROOT, Sandbox
from runtime.values import Container, MemoryLimit
from runtime.way_out import onto

log = logging.getLogger(__name__)

BOOT_SECONDS = 30.0  # for a new agent to answer; 0.1 on an idle machine
REJOIN_SECONDS = 10.0  # for one that runs already
MEET_SECONDS = 5.0  # for one to come to a meeting point

INSTANCE_LABEL = "sandlot.instance"
PREPARED_LABEL = "sandlot.prepared"
"""On sandboxes that were started ahead: the fingerprint of what they were made of."""

PREPARED_MEMORY = MemoryLimit.GIB_1
"""Of sandboxes that are started ahead: the default of those who create containers."""


class Sandboxes:
    """Sandboxes by the id of the container they are. The engine knows them by that id too."""

    def __init__(self, engine: Engine, gates: Gates, image: str, instance_id: str) -> None:
        self._engine = engine
        self._gates = gates
        self._image = image
        self._labels = {INSTANCE_LABEL: instance_id}
        self._live: dict[str, Sandbox] = {}  # those whose links hold
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def start(self, container: Container, files: Path | None) -> Sandbox:
        """Make the sandbox of a new container, with what is in a tar (see SandboxSpec). Its agent has answered.

        Its gate has to be there. On an error the engine may be left with a sandbox, or a part of one: destroy it.
        """
        await self._engine.create(self._spec(container.id, container.memory_limit, self._labels, files))
        async with self._linked(container.id, BOOT_SECONDS, agent_bundle(ROOT)) as sandbox:
            await self._set_network(container.id, sandbox)
        return sandbox

    async def prepare(self, name: str, fingerprint: str) -> None:
        """Make a sandbox ahead of its container, with PREPARED_MEMORY and nothing in it. On an error: as `start`."""
        labels = {**self._labels, PREPARED_LABEL: fingerprint}
        await self._engine.create(self._spec(name, PREPARED_MEMORY, labels, None))
        async with self._linked(name, BOOT_SECONDS, agent_bundle(ROOT)):
            pass

    async def prepared(self, fingerprint: str) -> Sequence[str]:
        """The names of all running sandboxes of that fingerprint, whether or not they have become containers'."""
        labels = {**self._labels, PREPARED_LABEL: fingerprint}
        return [handle.name for handle in await self._engine.list(labels) if handle.running]

    async def join(self, name: str) -> None:
        """Link to a prepared sandbox of an earlier run. Raises NotFound, SandboxLost and AgentMisbehaved.

        One that was used is lost: records may be older than it is, as those of a backup are.
        """
        async with self._linked(name, REJOIN_SECONDS) as sandbox:
            if await sandbox.is_used():
                raise SandboxLost("The sandbox was a container's.")

    async def fit(self, container: Container, files: Path | None) -> Sandbox:
        """Make a prepared sandbox that of a new container, as `start` would have made it. Its gate has to be there.

        Unless `adaptable`, it can have no files and no other memory. SandboxLost when it has gone meanwhile.
        """
        try:
            if container.memory_limit is not PREPARED_MEMORY:
                await self._engine.update(container.id, container.memory_limit.bytes)
            if files is not None:
                await self._engine.unpack(container.id, files)
        except NotFound as error:
            raise SandboxLost(error.message) from error
        sandbox = self._live.get(container.id)
        if sandbox is None:
            raise SandboxLost("The sandbox was lost before it was used.")
        await self._set_network(container.id, sandbox)
        return sandbox

    @property
    def adaptable(self) -> bool:
        """Whether prepared sandboxes can be given files, and other memory."""
        return self._engine.adaptable

    async def fingerprint(self) -> str | None:
        """What new sandboxes are made of, agent, image and settings, as a short text; None without an image."""
        of_engine = await self._engine.fingerprint(self._image)
        if of_engine is None:
            return None
        return hashlib.sha256(repr([of_engine, PREPARED_MEMORY, agent_fingerprint()]).encode()).hexdigest()

    def lost(self, name: str) -> bool:
        """Whether there is no link to that sandbox, at the moment."""
        return name not in self._live

    def free_memory(self) -> int | None:
        """How many bytes of memory sandboxes have left together; None where that can't be known."""
        return self._engine.free_memory()

    async def get(self, container_id: str) -> Sandbox:
        """The container's sandbox, with its link; NotFound when there is none to talk to any more."""
        sandbox = self._live.get(container_id)
        if sandbox is not None:
            return sandbox
        async with self._locks.setdefault(container_id, asyncio.Lock()):
            sandbox = self._live.get(container_id)
            if sandbox is None:
                async with self._linked(container_id, REJOIN_SECONDS) as sandbox:
                    try:
                        await self._set_network(container_id, sandbox)
                    except StorageFull:  # by what its programs wrote, and it takes a command to remove that
                        log.warning("%s is full: its programs can't get to know their new authority", container_id)
        return sandbox

    def cut_off(self, container_id: str) -> None:
        """Close the sandbox's gate and its link, if there are: nothing goes in or out any more."""
        self._gates.close(container_id)
        if sandbox := self._live.get(container_id):
            sandbox.close()

    async def destroy(self, container_id: str) -> None:
        """Cut the sandbox off and remove it, whatever state it is in; nothing happens when there is none."""
        self.cut_off(container_id)
        await self._engine.destroy(container_id)

    async def on_engine(self) -> dict[str, bool]:
        """The ids of all sandboxes of this installation that the engine has, and whether they run."""
        return {handle.name: handle.running for handle in await self._engine.list(self._labels)}

    async def check(self) -> None:
        """Return if sandboxes can be made; EngineUnavailable or EngineMisconfigured otherwise."""
        await self._engine.check(self._image)

    def close(self) -> None:
        """End all links. The sandboxes go on."""
        for sandbox in list(self._live.values()):
            sandbox.close()

    @asynccontextmanager
    async def _linked(self, container_id: str, deadline: float, first: bytes = b"") -> AsyncIterator[Sandbox]:
        """A new link to a sandbox that runs, to which `first` is said before anything else.

        The sandbox is live from the end of the context on; when that fails, the link ends.
        """
        on_open = onto(self._gates.way_out(container_id))
        stream = await self._engine.attach(container_id)
        stream.write(first)
        session = await LinkSession.establish(stream, deadline, on_open)
        session, point = await self._shortened(container_id, session, on_open)
        sandbox = Sandbox(session, point)
        try:
            yield sandbox
        except BaseException:
            sandbox.close()
            raise
        self._live[container_id] = sandbox
        session.on_lost(partial(self._forget, container_id))  # at once, if it was lost meanwhile

    def _forget(self, container_id: str) -> None:
        self._live.pop(container_id, None)

    async def _shortened(
        self, container_id: str, session: LinkSession, on_open: OnOpen
    ) -> tuple[LinkSession, MeetingPoint | None]:
        """The link by a shorter way than through the engine, and where it was met; or as it is."""
        try:
            point = await self._engine.meet(container_id)
            if point is None:
                return session, None
            try:
                async with asyncio.timeout(MEET_SECONDS):
                    await session.meet(point.address)
                    stream = await point.accept()
                shorter = await LinkSession.establish(stream, REJOIN_SECONDS, on_open)
            except (RequestRefused, TimeoutError):
                point.close()
                return session, None
            except BaseException:
                point.close()
                raise
        except BaseException:
            session.close()
            raise
        session.close()
        return shorter, point

    async def _set_network(self, container_id: str, sandbox: Sandbox) -> None:
        """Tell the container's sandbox of its network, if it has one. NotFound when its gate is closed meanwhile."""
        gate = self._gates.get(container_id)
        if gate.policy.enabled:
            ports = await sandbox.take_connections(self._gates.ports, gate.accept)
            domains = gate.policy.allowed_domains
            await sandbox.set_network(domains, ports, gate.environment, gate.authority)
            self._gates.get(container_id)

    def _spec(self, name: str, memory_limit: MemoryLimit, labels: Mapping[str, str], files: Path | None) -> SandboxSpec:
        return SandboxSpec(name, self._image, COMMAND, memory_limit.bytes, labels, files)
