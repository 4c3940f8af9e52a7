"""The records of containers, in SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Row, bindparam, delete, insert, select, update

from runtime.network_values import NO_NETWORK, NetworkPolicy, SecretName
from runtime.store.connections import Connections
from runtime.store.paging import Keyset, find_position, read_page
from runtime.store.rows import ContainerNetworkRow, ContainerRow
from runtime.values import Container, ContainerStatus, MemoryLimit, Page, PageRequest

_KEYSET = Keyset(ContainerRow.created_at, ContainerRow.id, noun="container")
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
_TOUCH = (
    update(ContainerRow)
    .where(
        ContainerRow.id == bindparam("container_id"),
        ContainerRow.status == ContainerStatus.RUNNING.value,
        ContainerRow.last_active_at < bindparam("time"),
    )
    .values(last_active_at=bindparam("time"))
)
_MOVE = (
    update(ContainerRow)
    .where(ContainerRow.id == bindparam("container_id"), ContainerRow.status.in_(bindparam("from_", expanding=True)))
    .values(status=bindparam("to"))
)
_SEALED = select(ContainerNetworkRow.sealed_secrets).where(
    ContainerNetworkRow.container_id == bindparam("container_id")
)
_FORGET_SECRETS = (
    update(ContainerNetworkRow)
    .where(ContainerNetworkRow.container_id == bindparam("of"), ContainerNetworkRow.sealed_secrets.is_not(None))
    .values(sealed_secrets=None)
)


class SqlContainerStore:
    """A ContainerStore."""

    def __init__(self, connections: Connections) -> None:
        self._reader = connections.reader
        self._writer = connections.writer

    async def add(self, container: Container, sealed_secrets: bytes | None = None) -> None:
        """See ContainerStore."""
        values = {
            "id": container.id,
            "owner": container.owner,
            "name": container.name,
            "status": container.status.value,
            "created_at": container.created_at,
            "last_active_at": container.last_active_at,
            "memory_limit": container.memory_limit.value,
            "expires_after_minutes": container.expires_after_minutes,
        }
        async with self._writer.begin() as connection:
            await connection.execute(insert(ContainerRow), values)
            if container.network.enabled:
                await connection.execute(insert(ContainerNetworkRow), _network_values(container, sealed_secrets))

    async def get(self, container_id: str) -> Container | None:
        """See ContainerStore."""
        async with self._reader.connect() as connection:
            row = (await connection.execute(_GET, {"container_id": container_id})).one_or_none()
        return _container(row) if row else None

    async def find(self, owner: str, container_id: str) -> Container | None:
        """See ContainerStore."""
        async with self._reader.connect() as connection:
            parameters = {"container_id": container_id, "owner": owner}
            row = (await connection.execute(_FIND, parameters)).one_or_none()
        return _container(row) if row else None

    async def list(self, owner: str, page: PageRequest, name: str | None = None) -> Page[Container]:
        """See ContainerStore."""
        listed = _SELECT.where(ContainerRow.owner == owner, ContainerRow.status.in_(_LISTED))
        wanted = listed if name is None else listed.where(ContainerRow.name == name)
        async with self._reader.connect() as connection:
            position = await find_position(connection, listed, _KEYSET, page.after)
            rows = await read_page(connection, wanted, _KEYSET, page, position)
        return Page([_container(row) for row in rows.data], rows.has_more)

    async def move(self, container_id: str, from_: Collection[ContainerStatus], to: ContainerStatus) -> bool:
        """See ContainerStore."""
        parameters = {"container_id": container_id, "from_": list(from_), "to": to.value}
        async with self._writer.begin() as connection:
            moved = (await connection.execute(_MOVE, parameters)).rowcount == 1
            if moved and to not in _LIVE:
                await connection.execute(_FORGET_SECRETS, {"of": container_id})
            return moved

    async def sealed_secrets(self, container_id: str) -> bytes | None:
        """See ContainerStore."""
        async with self._reader.connect() as connection:
            return (await connection.scalars(_SEALED, {"container_id": container_id})).one_or_none()

    async def touch(self, times: Mapping[str, int]) -> None:
        """See ContainerStore."""
        if not times:
            return
        rows = [{"container_id": container_id, "time": time} for container_id, time in times.items()]
        async with self._writer.begin() as connection:
            await connection.execute(_TOUCH, rows)

    async def due(self, now: int) -> Sequence[Container]:
        """See ContainerStore."""
        async with self._reader.connect() as connection:
            rows = (await connection.execute(_DUE, {"now": now})).all()
        return [_container(row) for row in rows]

    async def in_status(self, *statuses: ContainerStatus) -> Sequence[Container]:
        """See ContainerStore."""
        async with self._reader.connect() as connection:
            rows = (await connection.execute(_SELECT.where(ContainerRow.status.in_(statuses)))).all()
        return [_container(row) for row in rows]

    async def remove(self, container_id: str) -> None:
        """See ContainerStore. The files and the network go with it by their foreign keys."""
        async with self._writer.begin() as connection:
            await connection.execute(delete(ContainerRow).where(ContainerRow.id == container_id))


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


def _network_values(container: Container, sealed_secrets: bytes | None) -> dict[str, object]:
    return {
        "container_id": container.id,
        "allowed_domains": list(container.network.allowed_domains),
        "secrets": [(secret.domain, secret.name) for secret in container.network.secrets],
        "sealed_secrets": sealed_secrets,
    }
