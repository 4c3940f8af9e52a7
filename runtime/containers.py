"""Containers: made, read, listed, used, expired, deleted."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self

from runtime.activity import Activity
from runtime.errors import Busy, ContainerExpired, NotFound, SandboxLost
from runtime.expiry import is_due
from runtime.file_copies import FileCopies
from runtime.file_values import File
from runtime.gates import CheckedNetwork, Gates
from runtime.ids import is_container_id, new_container_id
from runtime.missing import no_such_container
from runtime.network_values import EgressRecord
from runtime.pages import page_of
from runtime.pool import Pool
from runtime.removals import Removals
from runtime.sandbox import Sandbox
from runtime.sandboxes import PREPARED_MEMORY, Sandboxes
from runtime.skills import SkillService
from runtime.starts import Starts
from runtime.store.base import Store
from runtime.uninterrupted import uninterrupted
from runtime.values import Container, ContainerSpec, ContainerStatus, Page, PageRequest

log = logging.getLogger(__name__)

LAST_START_SECONDS = 3.0  # that a create which is called off waits for the start under way; 0.3 on an idle machine


class Lease:
    """The use of a running container: it doesn't expire until this is closed. A context manager."""

    def __init__(self, container: Container, sandbox: Sandbox, activity: Activity) -> None:
        self.container = container
        self.sandbox = sandbox
        self._activity: Activity | None = activity
        activity.begin(container.id)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """The use is over; idempotent."""
        if self._activity is not None:
            self._activity.end(self.container.id)
            self._activity = None


class ContainerService:
    """What callers do with containers. `owner` is the id of the caller's API key; others' containers don't exist."""

    def __init__(
        self,
        store: Store,
        sandboxes: Sandboxes,
        gates: Gates,
        activity: Activity,
        copies: FileCopies,
        skills: SkillService,
        pool: Pool,
        starts: Starts,
        removals: Removals,
        max_containers: int | None,
    ) -> None:
        self._store = store
        self._sandboxes = sandboxes
        self._gates = gates
        self._activity = activity
        self._copies = copies
        self._skills = skills
        self._pool = pool
        self._starts = starts
        self._removals = removals
        self._max_containers = max_containers
        # Running containers whose record was read: this process alone changes it, so calls needn't read it again.
        self._running: dict[str, Container] = {}
        self._stopped = 0  # so many times a container has stopped running
        self._coming = 0  # creates that have a place, and no gate yet

    async def create(self, owner: str, spec: ContainerSpec) -> Container:
        """A new container, running, with its files and skills in it.

        Raises NotFound and InvalidInput for what it can't have, and Busy when the host can't hold it: then nothing is
        left of it.
        """
        network = self._gates.check(spec.network)
        files = await self._copies.find_all(owner, spec.file_ids)
        async with AsyncExitStack() as held:
            with self._place():  # skills are packed for those that have one: it takes seconds of a processor
                if not self._pool:
                    self._starts.check()
                skills = await held.enter_async_context(self._skills.mountable(owner, spec.skills))
            return await self._make(owner, spec, network, files, skills)

    async def retrieve(self, owner: str, container_id: str) -> Container:
        """The container's record. Reading it counts as a use."""
        container = await self._find(owner, container_id)
        if container.status is ContainerStatus.RUNNING:
            self._activity.touch(container_id)
        return self._activity.current(container)

    async def list(self, owner: str, page: PageRequest, name: str | None = None) -> Page[Container]:
        """A page of the owner's containers, running and expired ones. Counts as a use of none of them."""
        found = await self._store.containers.list(owner, page, name)
        return Page([self._activity.current(container) for container in found.data], found.has_more)

    async def egress(self, owner: str, container_id: str, page: PageRequest) -> Page[EgressRecord]:
        """A page of what the container tried to reach: see Gate.records; nothing of an expired one.

        Reading it counts as a use.
        """
        await self.retrieve(owner, container_id)
        return page_of(self._gates.records(container_id), page, noun="egress record")

    async def use(self, owner: str, container_id: str) -> Lease:
        """A running container, for as long as the lease is open. Raises ContainerExpired or NotFound."""
        container = await self._find(owner, container_id)
        if container.status is not ContainerStatus.RUNNING:
            raise ContainerExpired
        try:
            sandbox = await self._sandboxes.get(container_id)
        except NotFound:
            await self.expire(container)
            raise ContainerExpired from None
        return Lease(container, sandbox, self._activity)

    async def delete(self, owner: str, container_id: str) -> None:
        """Remove the container with all that is in it. Done again, it raises NotFound.

        Nobody can reach it any more when this returns, nor it anybody; the engine removes it soon.
        """
        await self._find(owner, container_id)
        await uninterrupted(self._delete(container_id))

    async def delete_all(self, owner: str) -> None:
        """Remove all of an owner's containers."""
        while found := (await self.list(owner, PageRequest(limit=100))).data:
            for container in found:
                with suppress(NotFound):  # its deletion is under way
                    await self.delete(owner, container.id)

    async def abandon(self, container: Container) -> None:
        """Leave nothing behind of a container whose making was cut short. One that is made by now stays."""
        if await self._store.containers.move(container.id, [ContainerStatus.CREATING], ContainerStatus.DELETING):
            self.finish_delete(container.id)

    def finish_delete(self, container_id: str) -> None:
        """Cut off a container whose status is `deleting`; it is removed soon, and then its record."""

        async def remove() -> None:
            await self._sandboxes.destroy(container_id)
            await self._store.containers.remove(container_id)

        self._forget_running(container_id)
        self._cut_off(container_id, remove)

    async def expire(self, container: Container) -> None:
        """Cut the container off and keep its record; the engine removes it soon."""
        await uninterrupted(self._expire(container))

    async def expire_due(self) -> None:
        """Expire every container whose time is up."""
        now = int(time.time())
        for container in await self._store.containers.due(now):
            if self._is_due(container):
                log.info("%s has expired", container.id)
                await self.expire(container)

    async def _delete(self, container_id: str) -> None:
        live = [ContainerStatus.RUNNING, ContainerStatus.EXPIRED]
        await self._store.containers.move(container_id, live, ContainerStatus.DELETING)
        self.finish_delete(container_id)

    async def _expire(self, container: Container) -> None:
        await self._activity.write(self._store.containers)
        expired = await self._store.containers.move(container.id, [ContainerStatus.RUNNING], ContainerStatus.EXPIRED)
        self._forget_running(container.id)
        if expired:
            self._cut_off(container.id, partial(self._sandboxes.destroy, container.id))
            await self._store.container_files.sync(container.id, [])

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
        self._check_room()  # again: others may have come while one that had ended was given up
        with self._starts.admission():
            container = _new(new_container_id(), owner, spec, network, ContainerStatus.CREATING)
            return await self._complete(container, network, files, partial(self._start, files=skills))

    @contextmanager
    def _place(self) -> Iterator[None]:
        """Count as a container until the end of the context. Raises Busy when there are as many as there may be."""
        self._check_room()
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1

    def _check_room(self) -> None:
        """Raise Busy when there are as many containers as there may be."""
        if self._max_containers is not None and len(self._gates) + self._coming >= self._max_containers:
            raise Busy("There are as many containers as there may be. Delete one, or try again later.", retry_after=5)

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
            await self._store.containers.add(container, self._gates.seal(container.id, network))
            sandbox = await start(container)
            await self._copies.put_all(files, container.id, sandbox)
            if container.status is ContainerStatus.CREATING:
                await self._store.containers.move(container.id, [ContainerStatus.CREATING], ContainerStatus.RUNNING)
        except BaseException:
            await asyncio.shield(self._undo(container))
            raise
        finally:
            self._activity.end(container.id)
        container = self._running[container.id] = replace(container, status=ContainerStatus.RUNNING)
        return self._activity.current(container)

    async def _undo(self, container: Container) -> None:
        """Leave nothing behind of a container that couldn't be made, even if that can't be recorded."""
        made = [ContainerStatus.CREATING, ContainerStatus.RUNNING]
        try:
            await self._store.containers.move(container.id, made, ContainerStatus.DELETING)
        finally:
            self.finish_delete(container.id)

    async def _start(self, container: Container, files: Path | None) -> Sandbox:
        async with self._starts.turn():
            # What is removed before the engine has made it would be made afterwards, and stay until it is noticed.
            return await uninterrupted(self._sandboxes.start(container, files), LAST_START_SECONDS)

    async def _find(self, owner: str, container_id: str) -> Container:
        """The owner's container, running or expired: one whose time is up is expired first."""
        container = self._running.get(container_id) or await self._read(owner, container_id)
        if container is None or container.owner != owner:
            raise no_such_container(container_id)
        if self._is_due(container):
            await self.expire(container)
            return replace(self._activity.current(container), status=ContainerStatus.EXPIRED)
        return container

    async def _read(self, owner: str, container_id: str) -> Container | None:
        if not is_container_id(container_id):
            return None
        stopped_before = self._stopped
        container = await self._store.containers.find(owner, container_id)
        if container is None or container.status not in (ContainerStatus.RUNNING, ContainerStatus.EXPIRED):
            return None
        if container.status is ContainerStatus.RUNNING and self._stopped == stopped_before:  # then it still runs
            self._running[container_id] = container
        return container

    def _forget_running(self, container_id: str) -> None:
        self._running.pop(container_id, None)
        self._stopped += 1

    def _is_due(self, container: Container) -> bool:
        in_use = self._activity.in_use(container.id)
        return is_due(self._activity.current(container), int(time.time()), in_use=in_use)

    def _cut_off(self, container_id: str, remove: Callable[[], Awaitable[None]]) -> None:
        """Let nothing in or out of a container that isn't to live any more; nobody waits for the engine."""
        self._sandboxes.cut_off(container_id)
        self._activity.forget(container_id)
        self._removals.begin(container_id, remove)


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
