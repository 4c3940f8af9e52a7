"""The records of containers, as calls need them: those of running containers are remembered."""

from __future__ import annotations

from runtime.ids import is_container_id
from runtime.store.base import ContainerStore
from runtime.values import Container, ContainerStatus


class ContainerRecords:
    """Finds records. Of a running container it is read once: this process alone changes it, and says so here."""

    def __init__(self, store: ContainerStore) -> None:
        self._store = store
        self._running: dict[str, Container] = {}
        self._stops = 0  # so many times a container has stopped running

    async def find(self, owner: str, container_id: str) -> Container | None:
        """The owner's container, if it is running or expired; its time may be up, see Endings.is_due."""
        container = self._running.get(container_id) or await self._read(owner, container_id)
        return container if container is not None and container.owner == owner else None

    def started(self, container: Container) -> None:
        """The container runs from now on, with this record."""
        self._running[container.id] = container

    def stopped(self, container_id: str) -> None:
        """The container runs no more, or never will."""
        self._running.pop(container_id, None)
        self._stops += 1

    async def _read(self, owner: str, container_id: str) -> Container | None:
        if not is_container_id(container_id):
            return None
        stops_before = self._stops
        container = await self._store.find(owner, container_id)
        if container is None or container.status not in (ContainerStatus.RUNNING, ContainerStatus.EXPIRED):
            return None
        if container.status is ContainerStatus.RUNNING and self._stops == stops_before:  # then it still runs
            self._running[container_id] = container
        return container
