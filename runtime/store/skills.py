"""The records of skills and their versions, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, Row, and_, bindparam, delete, exists, func, insert, select, tuple_, update
from sqlalchemy.orm import aliased

from runtime.errors import InvalidInput
from runtime.file_values import Blob
from runtime.missing import no_such_skill
from runtime.skill_values import Skill, SkillVersion
from runtime.store.blobs import insert_blob
from runtime.store.connections import Connections, Work
from runtime.store.paging import Listing
from runtime.store.rows import BlobRow, SkillRow, SkillVersionRow
from runtime.store.works import every, one
from runtime.values import Page, PageRequest

_SkillColumns = Row[str, str, str, str, int, int, int]
_VersionColumns = Row[str, str, int, str, str, int, int, str]

# Statements with fixed text are built once, see containers.py.
_OWNED = (SkillRow.id == bindparam("skill_id"), SkillRow.owner == bindparam("owner_id"))

_ANY_VERSION = aliased(SkillVersionRow)
_LATEST = select(func.max(_ANY_VERSION.version)).where(_ANY_VERSION.skill_id == SkillRow.id).scalar_subquery()
_IS_DEFAULT = and_(SkillVersionRow.skill_id == SkillRow.id, SkillVersionRow.version == SkillRow.default_version)
_SELECT = select(
    SkillRow.id,
    SkillRow.owner,
    SkillVersionRow.name,
    SkillVersionRow.description,
    SkillRow.created_at,
    SkillRow.default_version,
    _LATEST.label("latest_version"),
).join(SkillVersionRow, _IS_DEFAULT)
_FIND = _SELECT.where(*_OWNED)
_FIND_ALL = _SELECT.where(
    SkillRow.id.in_(bindparam("skill_ids", expanding=True)), SkillRow.owner == bindparam("owner_id")
)

_SELECT_VERSION = (
    select(
        SkillVersionRow.id,
        SkillVersionRow.skill_id,
        SkillVersionRow.version,
        SkillVersionRow.name,
        SkillVersionRow.description,
        SkillVersionRow.created_at,
        BlobRow.size,
        SkillVersionRow.blob_id,
    )
    .join(BlobRow, BlobRow.id == SkillVersionRow.blob_id)
    .join(SkillRow, SkillRow.id == SkillVersionRow.skill_id)
)
_FIND_VERSION = _SELECT_VERSION.where(*_OWNED, SkillVersionRow.version == bindparam("number"))
# The pairs say it all, but SQLite looks only single columns up in an index: it would go through all of the owner's.
_FIND_VERSIONS = _SELECT_VERSION.where(
    SkillVersionRow.skill_id.in_(bindparam("skill_ids", expanding=True)),
    SkillVersionRow.version.in_(bindparam("numbers", expanding=True)),
    tuple_(SkillVersionRow.skill_id, SkillVersionRow.version).in_(bindparam("wanted", expanding=True)),
    SkillRow.owner == bindparam("owner_id"),
)

_NEXT = SkillRow.last_version + 1
_GIVE_NUMBER = update(SkillRow).where(*_OWNED).values(last_version=_NEXT).returning(SkillRow.last_version)
_GIVE_DEFAULT_NUMBER = _GIVE_NUMBER.values(default_version=_NEXT)
_SET_DEFAULT = (
    update(SkillRow)
    .where(*_OWNED, exists().where(SkillVersionRow.skill_id == SkillRow.id, SkillVersionRow.version == bindparam("to")))
    .values(default_version=bindparam("to"))
)

_BLOBS = select(SkillVersionRow.blob_id).join(SkillRow, SkillRow.id == SkillVersionRow.skill_id).where(*_OWNED)
_REMOVE_VERSIONS = delete(BlobRow).where(BlobRow.id.in_(_BLOBS)).returning(BlobRow.id)
_REMOVE_VERSION = delete(BlobRow).where(BlobRow.id == bindparam("blob_id"))
_REMOVE_IF_EMPTY = delete(SkillRow).where(
    SkillRow.id == bindparam("skill_id"), ~exists().where(SkillVersionRow.skill_id == SkillRow.id)
)
_HAS_ITS_DEFAULT = select(exists().where(SkillRow.id == bindparam("skill_id"), _IS_DEFAULT))


class SqlSkillStore:
    """A SkillStore. A version's record goes with that of its blob, by its foreign key."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._listing = Listing(SkillRow.created_at, SkillRow.id, noun="skill")
        self._versions = Listing(SkillVersionRow.version, SkillVersionRow.id, noun="skill version")

    async def add(self, skill: Skill, version: SkillVersion, quota: int) -> None:
        """See SkillStore."""
        values = {
            "id": skill.id,
            "owner": skill.owner,
            "created_at": skill.created_at,
            "default_version": version.version,
            "last_version": version.version,
        }

        def work(connection: Connection) -> None:
            connection.execute(insert(SkillRow), values)
            _insert_version(connection, skill.owner, version, quota)

        await self._connections.write(work)

    async def add_version(self, owner: str, draft: SkillVersion, *, make_default: bool, quota: int) -> SkillVersion:
        """See SkillStore."""
        give = _GIVE_DEFAULT_NUMBER if make_default else _GIVE_NUMBER

        def work(connection: Connection) -> SkillVersion:
            number = connection.scalars(give, {"owner_id": owner, "skill_id": draft.skill_id}).one_or_none()
            if number is None:
                raise no_such_skill(draft.skill_id)
            version = replace(draft, version=number)
            _insert_version(connection, owner, version, quota)
            return version

        return await self._connections.write(work)

    async def find(self, owner: str, skill_id: str) -> Skill | None:
        """See SkillStore."""
        return await self._connections.read(one(_FIND, {"owner_id": owner, "skill_id": skill_id}, _skill))

    async def find_version(self, owner: str, skill_id: str, number: int) -> SkillVersion | None:
        """See SkillStore."""
        return await self._connections.read(_that_version(owner, skill_id, number))

    async def find_all(self, owner: str, skill_ids: Sequence[str]) -> Sequence[Skill]:
        """See SkillStore."""
        if not skill_ids:
            return []
        return await self._connections.read(every(_FIND_ALL, {"owner_id": owner, "skill_ids": skill_ids}, _skill))

    async def find_versions(self, owner: str, wanted: Sequence[tuple[str, int]]) -> Sequence[SkillVersion]:
        """See SkillStore."""
        if not wanted:
            return []
        skill_ids, numbers = (list(set(column)) for column in zip(*wanted, strict=True))
        parameters = {"owner_id": owner, "skill_ids": skill_ids, "numbers": numbers, "wanted": wanted}
        return await self._connections.read(every(_FIND_VERSIONS, parameters, _version))

    async def list(self, owner: str, page: PageRequest) -> Page[Skill]:
        """See SkillStore."""
        listed = _SELECT.where(SkillRow.owner == owner)
        return await self._connections.read(self._listing.page(owner, listed, page, _skill))

    async def versions(self, owner: str, skill_id: str, page: PageRequest) -> Page[SkillVersion]:
        """See SkillStore."""
        listed = _SELECT_VERSION.where(SkillRow.owner == owner, SkillRow.id == skill_id)
        return await self._connections.read(self._versions.page(skill_id, listed, page, _version))

    async def set_default(self, owner: str, skill_id: str, number: int) -> Skill | None:
        """See SkillStore."""
        skill = {"owner_id": owner, "skill_id": skill_id}

        def work(connection: Connection) -> Skill | None:
            if connection.execute(_SET_DEFAULT, {**skill, "to": number}).rowcount == 0:
                return None
            return one(_FIND, skill, _skill)(connection)

        return await self._connections.write(work)

    async def remove(self, owner: str, skill_id: str) -> Sequence[str] | None:
        """See SkillStore."""

        def work(connection: Connection) -> Sequence[str] | None:
            blob_ids = connection.scalars(_REMOVE_VERSIONS, {"owner_id": owner, "skill_id": skill_id}).all()
            if blob_ids:
                connection.execute(_REMOVE_IF_EMPTY, {"skill_id": skill_id})
            return blob_ids or None

        return await self._connections.write(work)

    async def remove_version(self, owner: str, skill_id: str, number: int) -> SkillVersion | None:
        """See SkillStore. The version goes first, and comes back if that leaves its skill without a default."""

        def work(connection: Connection) -> SkillVersion | None:
            version = _that_version(owner, skill_id, number)(connection)
            if version is None:
                return None
            connection.execute(_REMOVE_VERSION, {"blob_id": version.blob_id})
            emptied = connection.execute(_REMOVE_IF_EMPTY, {"skill_id": skill_id}).rowcount == 1
            if not emptied and not connection.scalars(_HAS_ITS_DEFAULT, {"skill_id": skill_id}).one():
                raise InvalidInput("You can't delete the default version; set another default first.")
            return version

        return await self._connections.write(work)


def _insert_version(connection: Connection, owner: str, version: SkillVersion, quota: int) -> None:
    insert_blob(connection, Blob(version.blob_id, owner, version.size), quota)
    values = {
        "id": version.id,
        "skill_id": version.skill_id,
        "version": version.version,
        "name": version.name,
        "description": version.description,
        "created_at": version.created_at,
        "blob_id": version.blob_id,
    }
    connection.execute(insert(SkillVersionRow), values)


def _that_version(owner: str, skill_id: str, number: int) -> Work[SkillVersion | None]:
    return one(_FIND_VERSION, {"owner_id": owner, "skill_id": skill_id, "number": number}, _version)


def _skill(row: _SkillColumns) -> Skill:
    return Skill(*row)


def _version(row: _VersionColumns) -> SkillVersion:
    return SkillVersion(*row)
