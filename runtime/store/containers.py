"""The records of containers, in SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from runtime.network_values import NO_NETWORK, NetworkPolicy, SecretName
from runtime.store.connections import Connections
from runtime.store.paging import Listing
from runtime.store.rows import ContainerNetworkRow, ContainerRow
from runtime.store.works import change, every, one
from runtime.values import Container, ContainerStatus, MemoryLimit, Page, PageRequest

_LISTED = (ContainerStatus.RUNNING, ContainerStatus.EXPIRED)
_LIVE = (ContainerStatus.CREATING, ContainerStatus.RUNNING)

_ContainerColumns = Row[str, str, str, str, int, int, str, int, list[str], list[tuple[str, str]]]

# Statements with fixed text are built once: building one takes longer than SQLite needs to answer it.
_SELECT = select(
    ContainerRow.id,
    ContainerRow.owner,
    ContainerRow.name,
    ContainerRow.status,
    ContainerRow.created_at,
    ContainerRow.last_active_at,
    ContainerRow.memory_limit,
    ContainerRow.expires_after_minutes,
    ContainerNetworkRow.allowed_domains,
    ContainerNetworkRow.secrets,
).outerjoin(ContainerNetworkRow)
_GET = _SELECT.where(ContainerRow.id == bindparam("container_id"))
_FIND = _GET.where(ContainerRow.owner == bindparam("owner"))
_DUE = _SELECT.where(
    ContainerRow.status == ContainerStatus.RUNNING.value, ContainerRow.expires_at <= bindparam("now")
).order_by(ContainerRow.expires_at)
_IN_STATUS = _SELECT.where(ContainerRow.status.in_(bindparam("statuses", expanding=True)))
_INSERT = insert(ContainerRow)
_INSERT_NETWORK = insert(ContainerNetworkRow)
_MOVE = (
    update(ContainerRow)
    .where(ContainerRow.id == bindparam("container_id"), ContainerRow.status.in_(bindparam("from_", expanding=True)))
    .values(status=bindparam("to"))
)
_TOUCH = (
    update(ContainerRow)
    .where(
        ContainerRow.id == bindparam("container_id"),
        ContainerRow.status == ContainerStatus.RUNNING.value,
        ContainerRow.last_active_at < bindparam("time"),
    )
    .values(last_active_at=bindparam("time"))
)
_SEALED = select(ContainerNetworkRow.sealed_secrets).where(
    ContainerNetworkRow.container_id == bindparam("container_id")
)
_FORGET_SECRETS = (
    update(ContainerNetworkRow)
    .where(ContainerNetworkRow.container_id == bindparam("of"), ContainerNetworkRow.sealed_secrets.is_not(None))
    .values(sealed_secrets=None)
)
_REMOVE = delete(ContainerRow).where(ContainerRow.id == bindparam("container_id"))


class SqlContainerStore:
    """A ContainerStore."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._listing = Listing(ContainerRow.created_at, ContainerRow.id, noun="container")

    async def add(self, container: Container, sealed_secrets: bytes | None = None) -> None:
        """See ContainerStore."""

        def work(connection: Connection) -> None:
            connection.execute(_INSERT, _values(container))
            if container.network.enabled:
                connection.execute(_INSERT_NETWORK, _network_values(container, sealed_secrets))

        await self._connections.write(work)

    async def get(self, container_id: str) -> Container | None:
        """See ContainerStore."""
        return await self._connections.read(one(_GET, {"container_id": container_id}, _container))

    async def find(self, owner: str, container_id: str) -> Container | None:
        """See ContainerStore."""
        return await self._connections.read(one(_FIND, {"container_id": container_id, "owner": owner}, _container))

    async def list(self, owner: str, page: PageRequest, name: str | None = None) -> Page[Container]:
        """See ContainerStore."""
        listed = _SELECT.where(ContainerRow.owner == owner, ContainerRow.status.in_(_LISTED))
        only = [] if name is None else [ContainerRow.name == name]
        return await self._connections.read(self._listing.page(owner, listed, page, _container, only))

    async def move(self, container_id: str, from_: Collection[ContainerStatus], to: ContainerStatus) -> bool:
        """See ContainerStore."""
        values = {"container_id": container_id, "from_": list(from_), "to": to.value}

        def work(connection: Connection) -> bool:
            moved = connection.execute(_MOVE, values).rowcount == 1
            if moved and to not in _LIVE:
                connection.execute(_FORGET_SECRETS, {"of": container_id})
            return moved

        return await self._connections.write(work)

    async def sealed_secrets(self, container_id: str) -> bytes | None:
        """See ContainerStore."""
        return await self._connections.read(
            one(_SEALED, {"container_id": container_id}, lambda row: row.sealed_secrets)
        )

    async def touch(self, times: Mapping[str, int]) -> None:
        """See ContainerStore."""
        rows = [{"container_id": container_id, "time": time} for container_id, time in times.items()]
        if rows:
            await self._connections.write(change(_TOUCH, rows))

    async def due(self, now: int) -> Sequence[Container]:
        """See ContainerStore."""
        return await self._connections.read(every(_DUE, {"now": now}, _container))

    async def in_status(self, *statuses: ContainerStatus) -> Sequence[Container]:
        """See ContainerStore."""
        return await self._connections.read(every(_IN_STATUS, {"statuses": statuses}, _container))

    async def remove(self, container_id: str) -> None:
        """See ContainerStore. The files and the network go with it by their foreign keys."""
        await self._connections.write(change(_REMOVE, {"container_id": container_id}))


def _container(row: _ContainerColumns) -> Container:
    return Container(
        id=row.id,
        owner=row.owner,
        name=row.name,
        status=ContainerStatus(row.status),
        created_at=row.created_at,
        last_active_at=row.last_active_at,
        memory_limit=MemoryLimit(row.memory_limit),
        expires_after_minutes=row.expires_after_minutes,
        network=_network(row),
    )


def _network(row: _ContainerColumns) -> NetworkPolicy:
    if row.allowed_domains is None:
        return NO_NETWORK
    return NetworkPolicy(
        allowed_domains=tuple(row.allowed_domains), secrets=tuple(SecretName(*secret) for secret in row.secrets)
    )


def _values(container: Container) -> dict[str, object]:
    return {
        "id": container.id,
        "owner": container.owner,
        "name": container.name,
        "status": container.status.value,
        "created_at": container.created_at,
        "last_active_at": container.last_active_at,
        "memory_limit": container.memory_limit.value,
        "expires_after_minutes": container.expires_after_minutes,
    }


def _network_values(container: Container, sealed_secrets: bytes | None) -> dict[str, object]:
    return {
        "container_id": container.id,
        "allowed_domains": list(container.network.allowed_domains),
        "secrets": [(secret.domain, secret.name) for secret in container.network.secrets],
        "sealed_secrets": sealed_secrets,
    }
