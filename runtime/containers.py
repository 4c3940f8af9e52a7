"""Containers, as callers see them: created, read, listed, used, deleted."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Self

from runtime.activity import Activity
from runtime.container_records import ContainerRecords
from runtime.creations import Creations
from runtime.endings import Endings
from runtime.errors import ContainerExpired, NotFound
from runtime.gates import Gates
from runtime.missing import no_such_container
from runtime.network_values import EgressRecord
from runtime.pages import page_of
from runtime.sandbox import Sandbox
from runtime.sandboxes import Sandboxes
from runtime.store.base import ContainerStore
from runtime.values import Container, ContainerSpec, ContainerStatus, Page, PageRequest


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
        store: ContainerStore,
        records: ContainerRecords,
        creations: Creations,
        endings: Endings,
        sandboxes: Sandboxes,
        gates: Gates,
        activity: Activity,
    ) -> None:
        self._store = store
        self._records = records
        self._creations = creations
        self._endings = endings
        self._sandboxes = sandboxes
        self._gates = gates
        self._activity = activity

    async def create(self, owner: str, spec: ContainerSpec) -> Container:
        """A new container, running, with its files and skills in it.

        Raises NotFound and InvalidInput for what it can't have, and Busy when the host can't hold it: then nothing is
        left of it.
        """
        return await self._creations.create(owner, spec)

    async def retrieve(self, owner: str, container_id: str) -> Container:
        """The container's record. Reading it counts as a use."""
        container = await self._find(owner, container_id)
        if container.status is ContainerStatus.RUNNING:
            self._activity.touch(container_id)
        return self._activity.current(container)

    async def list(self, owner: str, page: PageRequest, name: str | None = None) -> Page[Container]:
        """A page of the owner's containers, running and expired ones. Counts as a use of none of them."""
        found = await self._store.list(owner, page, name)
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
            await self._endings.expire(container)
            raise ContainerExpired from None
        return Lease(container, sandbox, self._activity)

    async def delete(self, owner: str, container_id: str) -> None:
        """Remove the container with all that is in it. Done again, it raises NotFound.

        Nobody can reach it any more when this returns, nor it anybody; the engine removes it soon.
        """
        await self._find(owner, container_id)
        await self._endings.delete(container_id)

    async def delete_all(self, owner: str) -> None:
        """Remove all of an owner's containers."""
        while found := (await self.list(owner, PageRequest(limit=100))).data:
            for container in found:
                with suppress(NotFound):  # its deletion is under way
                    await self.delete(owner, container.id)

    async def _find(self, owner: str, container_id: str) -> Container:
        """The owner's container, running or expired: one whose time is up is expired first."""
        container = await self._records.find(owner, container_id)
        if container is None:
            raise no_such_container(container_id)
        if self._endings.is_due(container):
            await self._endings.expire(container)
            return replace(self._activity.current(container), status=ContainerStatus.EXPIRED)
        return container
