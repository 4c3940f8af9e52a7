"""The records of files in containers, in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, bindparam, delete, select, update

# SQLAlchemy has no common `on conflict`.
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import IntegrityError

from runtime.ids import new_container_file_id
from runtime.missing import no_such_container
from runtime.store.base import SeenFile
from runtime.store.connections import Connections, Work
from runtime.store.paging import Listing
from runtime.store.rows import ContainerFileRow
from runtime.store.works import change, one
from runtime.values import ContainerFile, FileSource, Page, PageRequest

T = TypeVar("T")


_FileColumns = Row[str, str, bytes, int, int, str]

# Statements with fixed text are built once, see containers.py.
_SELECT = select(
    ContainerFileRow.id,
    ContainerFileRow.container_id,
    ContainerFileRow.path,
    ContainerFileRow.size,
    ContainerFileRow.created_at,
    ContainerFileRow.source,
)
_GET = _SELECT.where(
    ContainerFileRow.id == bindparam("file_id"), ContainerFileRow.container_id == bindparam("container_id")
)
_KNOWN = select(ContainerFileRow.path, ContainerFileRow.id, ContainerFileRow.size).where(
    ContainerFileRow.container_id == bindparam("container_id")
)
_PATH = [ContainerFileRow.container_id, ContainerFileRow.path]
_INSERT = insert(ContainerFileRow)
_INSERT_OR_TAKE_OVER = _INSERT.on_conflict_do_update(
    index_elements=_PATH,
    set_={name: _INSERT.excluded[name] for name in ("size", "created_at", "source")},
)
_INSERT_AND_TELL_ID = _INSERT_OR_TAKE_OVER.returning(ContainerFileRow.id)
_INSERT_IF_NEW = _INSERT.on_conflict_do_nothing(index_elements=_PATH)
_RESIZE = update(ContainerFileRow).where(ContainerFileRow.id == bindparam("file_id")).values(size=bindparam("new_size"))
_REMOVE = delete(ContainerFileRow).where(ContainerFileRow.id == bindparam("file_id"))
_REMOVE_FROM = _REMOVE.where(ContainerFileRow.container_id == bindparam("container_id"))


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What a sync has to know of a record."""

    id: str
    size: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What has to be written: files to add, new sizes by id, and ids to remove."""

    new: Sequence[SeenFile]
    resized: Mapping[str, int]
    gone: Sequence[str]

    def __bool__(self) -> bool:
        return bool(self.new or self.resized or self.gone)


def changes(known: Mapping[bytes, KnownFile], seen: Sequence[SeenFile]) -> Changes:
    """The changes that turn the records `known` by path into what was `seen`."""
    there = {file.path: file for file in seen}
    return Changes(
        new=[file for path, file in there.items() if path not in known],
        resized={
            record.id: there[path].size
            for path, record in known.items()
            if path in there and there[path].size != record.size
        },
        gone=[record.id for path, record in known.items() if path not in there],
    )


class SqlContainerFileStore:
    """A ContainerFileStore."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._listing = Listing(ContainerFileRow.created_at, ContainerFileRow.id, noun="file")

    async def add(self, file: ContainerFile) -> ContainerFile:
        """See ContainerFileStore."""

        def work(connection: Connection) -> ContainerFile:
            return replace(file, id=connection.scalars(_INSERT_AND_TELL_ID, _values(file)).one())

        return await self._write(file.container_id, work)

    async def add_all(self, files: Sequence[ContainerFile]) -> None:
        """See ContainerFileStore."""
        if files:
            await self._write(files[0].container_id, change(_INSERT_OR_TAKE_OVER, [_values(file) for file in files]))

    async def get(self, container_id: str, file_id: str) -> ContainerFile | None:
        """See ContainerFileStore."""
        return await self._connections.read(one(_GET, {"container_id": container_id, "file_id": file_id}, _file))

    async def list(self, container_id: str, page: PageRequest) -> Page[ContainerFile]:
        """See ContainerFileStore."""
        listed = _SELECT.where(ContainerFileRow.container_id == container_id)
        return await self._connections.read(self._listing.page(container_id, listed, page, _file))

    async def sync(self, container_id: str, seen: Sequence[SeenFile]) -> None:
        """See ContainerFileStore.

        What has to change is worked out before the transaction. A sync beside this one may write in between:
        then its new records stay (`on conflict do nothing`), and updates and removals by id meet no others.
        """

        def compare(connection: Connection) -> Changes:
            rows = connection.execute(_KNOWN, {"container_id": container_id}).all()
            return changes({path: KnownFile(file_id, size) for path, file_id, size in rows}, seen)

        if todo := await self._connections.read(compare):
            await self._write(container_id, partial(_carry_out, container_id, todo))

    async def remove(self, container_id: str, file_id: str) -> None:
        """See ContainerFileStore."""
        await self._connections.write(change(_REMOVE_FROM, {"container_id": container_id, "file_id": file_id}))

    async def _write(self, container_id: str, work: Work[T]) -> T:
        """Do work that inserts files of that container."""
        try:
            return await self._connections.write(work)
        except IntegrityError as error:
            # With conflicts of paths provided for, the foreign key is all that an insert can offend.
            raise no_such_container(container_id) from error


def _carry_out(container_id: str, todo: Changes, connection: Connection) -> None:
    new = [_values(_found(container_id, file)) for file in todo.new]
    resized = [{"file_id": file_id, "new_size": size} for file_id, size in todo.resized.items()]
    gone = [{"file_id": file_id} for file_id in todo.gone]
    for statement, rows in ((_REMOVE, gone), (_RESIZE, resized), (_INSERT_IF_NEW, new)):
        if rows:
            connection.execute(statement, rows)


def _found(container_id: str, file: SeenFile) -> ContainerFile:
    return ContainerFile(
        id=new_container_file_id(),
        container_id=container_id,
        path=file.path,
        size=file.size,
        created_at=file.created_at,
        source=FileSource.ASSISTANT,
    )


def _values(file: ContainerFile) -> dict[str, Any]:
    return {
        "id": file.id,
        "container_id": file.container_id,
        "path": file.path,
        "size": file.size,
        "created_at": file.created_at,
        "source": file.source.value,
    }


def _file(row: _FileColumns) -> ContainerFile:
    return ContainerFile(
        id=row.id,
        container_id=row.container_id,
        path=row.path,
        size=row.size,
        created_at=row.created_at,
        source=FileSource(row.source),
    )
