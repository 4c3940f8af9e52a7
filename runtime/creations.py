"""How containers are made: of a sandbox that was started ahead, or with one of their own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from runtime.activity import Activity
from runtime.container_records import ContainerRecords
from runtime.endings import Endings
from runtime.errors import SandboxLost
from runtime.file_copies import FileCopies
from runtime.file_values import File
from runtime.gates import CheckedNetwork, Gates
from runtime.ids import new_container_id
from runtime.pool import Pool
from runtime.room import Room
from runtime.sandbox import Sandbox
from runtime.sandboxes import PREPARED_MEMORY, Sandboxes
from runtime.skills import SkillService
from runtime.starts import Starts
from runtime.store.base import ContainerStore
from runtime.uninterrupted import uninterrupted
from runtime.values import Container, ContainerSpec, ContainerStatus

LAST_START_SECONDS = 3.0  # that a create which is called off waits for the start under way; 0.3 on an idle machine


class Creations:
    """Makes containers, no more than there is room for."""

    def __init__(
        self,
        store: ContainerStore,
        records: ContainerRecords,
        endings: Endings,
        sandboxes: Sandboxes,
        gates: Gates,
        activity: Activity,
        copies: FileCopies,
        skills: SkillService,
        pool: Pool,
        starts: Starts,
        room: Room,
    ) -> None:
        self._store = store
        self._records = records
        self._endings = endings
        self._sandboxes = sandboxes
        self._gates = gates
        self._activity = activity
        self._copies = copies
        self._skills = skills
        self._pool = pool
        self._starts = starts
        self._room = room

    async def create(self, owner: str, spec: ContainerSpec) -> Container:
        """See ContainerService.create."""
        network = self._gates.check(spec.network)
        files = await self._copies.find_all(owner, spec.file_ids)
        async with AsyncExitStack() as held:
            with self._room.place():  # skills are packed for those that have one: it takes seconds of a processor
                if not self._pool:
                    self._starts.check()
                skills = await held.enter_async_context(self._skills.mountable(owner, spec.skills))
            return await self._make(owner, spec, network, files, skills)

    async def _make(
        self, owner: str, spec: ContainerSpec, network: CheckedNetwork, files: Sequence[File], skills: Path | None
    ) -> Container:
        """Make the container, of a sandbox that was started ahead if there is one.

        From here to its gate, by which it counts, nothing is waited for: so its place can't be taken.
        """
        with self._pool.claim(spec.memory_limit, with_files=skills is not None) as ready:
            if ready is not None:
                # One to which nothing has to be done is as good as running once it has an owner.
                status = ContainerStatus.RUNNING if _is_plain(spec) else ContainerStatus.CREATING
                container = _new(ready, owner, spec, network, status)
                with suppress(SandboxLost):  # it ended while it waited: then as if there had been none
                    return await self._complete(container, network, files, partial(self._sandboxes.fit, files=skills))
        self._room.check()  # again: others may have come while one that had ended was given up
        with self._starts.admission():
            container = _new(new_container_id(), owner, spec, network, ContainerStatus.CREATING)
            return await self._complete(container, network, files, partial(self._start, files=skills))

    async def _complete(
        self,
        container: Container,
        network: CheckedNetwork,
        files: Sequence[File],
        start: Callable[[Container], Awaitable[Sandbox]],
    ) -> Container:
        """Make the container. The record is there before a sandbox is its own, so that none is ever unaccounted for."""
        self._gates.open(container.id, network)
        self._activity.begin(container.id)  # in use while it is made: the reconciler leaves it alone
        try:
            await self._store.add(container, self._gates.seal(container.id, network))
            sandbox = await start(container)
            await self._copies.put_all(files, container.id, sandbox)
            if container.status is ContainerStatus.CREATING:
                await self._store.move(container.id, [ContainerStatus.CREATING], ContainerStatus.RUNNING)
        except BaseException:
            await asyncio.shield(self._endings.undo(container.id))
            raise
        finally:
            self._activity.end(container.id)
        running = replace(container, status=ContainerStatus.RUNNING)
        self._records.started(running)
        return self._activity.current(running)

    async def _start(self, container: Container, files: Path | None) -> Sandbox:
        async with self._starts.turn():
            # What is removed before the engine has made it would be made afterwards, and stay until it is noticed.
            return await uninterrupted(self._sandboxes.start(container, files), LAST_START_SECONDS)


def _is_plain(spec: ContainerSpec) -> bool:
    """Whether a sandbox that was started ahead will do as it is."""
    return spec.memory_limit is PREPARED_MEMORY and not (spec.file_ids or spec.skills or spec.network)


def _new(
    container_id: str, owner: str, spec: ContainerSpec, network: CheckedNetwork, status: ContainerStatus
) -> Container:
    """The record of a container that is about to be made."""
    now = int(time.time())
    return Container(
        id=container_id,
        owner=owner,
        name=spec.name,
        status=status,
        created_at=now,
        last_active_at=now,
        memory_limit=spec.memory_limit,
        expires_after_minutes=spec.expires_after_minutes,
        network=network.policy,
    )
