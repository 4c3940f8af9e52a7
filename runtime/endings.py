"""How containers end: deleted, expired, or given up before they were made."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial

from runtime.activity import Activity
from runtime.container_records import ContainerRecords
from runtime.expiry import is_due
from runtime.removals import Removals
from runtime.sandboxes import Sandboxes
from runtime.store.base import Store
from runtime.uninterrupted import uninterrupted
from runtime.values import Container, ContainerStatus

log = logging.getLogger(__name__)


class Endings:
    """Ends containers. The end is recorded first; then nobody reaches the container any more, nor it anybody.

    That is so when a call returns. The engine removes the container soon: nobody waits for it.
    """

    def __init__(
        self, store: Store, records: ContainerRecords, sandboxes: Sandboxes, activity: Activity, removals: Removals
    ) -> None:
        self._store = store
        self._records = records
        self._sandboxes = sandboxes
        self._activity = activity
        self._removals = removals

    async def delete(self, container_id: str) -> None:
        """Remove a running or expired container, its record too."""
        await uninterrupted(self._delete(container_id))

    async def undo(self, container_id: str) -> None:
        """Leave nothing behind of a container that couldn't be made, even if that can't be recorded."""
        made = [ContainerStatus.CREATING, ContainerStatus.RUNNING]
        try:
            await self._store.containers.move(container_id, made, ContainerStatus.DELETING)
        finally:
            self.finish_delete(container_id)

    async def abandon(self, container: Container) -> None:
        """Leave nothing behind of a container whose making was cut short. One that is made by now stays."""
        if await self._store.containers.move(container.id, [ContainerStatus.CREATING], ContainerStatus.DELETING):
            self.finish_delete(container.id)

    def finish_delete(self, container_id: str) -> None:
        """Cut off a container whose status is `deleting`; it is removed soon, and then its record."""

        async def remove() -> None:
            await self._sandboxes.destroy(container_id)
            await self._store.containers.remove(container_id)

        self._records.stopped(container_id)
        self._cut_off(container_id, remove)

    async def expire(self, container: Container) -> None:
        """End a running container and keep its record."""
        await uninterrupted(self._expire(container))

    async def expire_due(self) -> None:
        """Expire every container whose time is up."""
        for container in await self._store.containers.due(int(time.time())):
            if self.is_due(container):
                log.info("%s has expired", container.id)
                await self.expire(container)

    def is_due(self, container: Container) -> bool:
        """Whether the container's time is up."""
        in_use = self._activity.in_use(container.id)
        return is_due(self._activity.current(container), int(time.time()), in_use=in_use)

    async def _delete(self, container_id: str) -> None:
        live = [ContainerStatus.RUNNING, ContainerStatus.EXPIRED]
        await self._store.containers.move(container_id, live, ContainerStatus.DELETING)
        self.finish_delete(container_id)

    async def _expire(self, container: Container) -> None:
        await self._activity.write(self._store.containers)
        expired = await self._store.containers.move(container.id, [ContainerStatus.RUNNING], ContainerStatus.EXPIRED)
        self._records.stopped(container.id)
        if expired:
            self._cut_off(container.id, partial(self._sandboxes.destroy, container.id))
            await self._store.container_files.sync(container.id, [])

    def _cut_off(self, container_id: str, remove: Callable[[], Awaitable[None]]) -> None:
        """Let nothing in or out of a container that isn't to live any more, and begin its removal."""
        self._sandboxes.cut_off(container_id)
        self._activity.forget(container_id)
        self._removals.begin(container_id, remove)
