"""The skill service with all that is below it: a real database, real folders for blobs and for the spool."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from runtime.blobs.folder import FolderBlobStore
from runtime.operator_skills import OperatorSkills
from runtime.skill_values import Skill, SkillVersion
from runtime.skills import SkillService
from runtime.spool import Spool
from runtime.storage import Storage
from runtime.store.database import open_store, sqlite_url
from tests.runtime.blobs.storages import FolderStorage

OWNER, OTHER = "key_1", "key_2"
QUOTA = 400 * 1024**2

Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class SkillParts:
    """An open service, and where its blobs and its spool are."""

    service: SkillService
    folder: Path
    spooled_before: frozenset[Path]

    def blobs(self) -> list[str]:
        """The names of what there is in the blob store, whole or half."""
        return FolderStorage(self.folder / "blobs").traces()

    def spooled(self) -> list[str]:
        """The names of what there is in the spool, beyond what was there when the service was opened."""
        return [path.name for path in _found(self.folder) if path not in self.spooled_before]

    async def create(self, files: Files, owner: str = OWNER) -> Skill:
        """A new skill of a folder's files, or of one zip."""
        async with self.service.draft() as draft:
            for path, content in files.items():
                await draft.add(path, one(content))
            return await self.service.create(owner, draft)

    async def add(self, skill: Skill, files: Files, *, make_default: bool = False, owner: str = OWNER) -> SkillVersion:
        """A new version of a folder's files."""
        async with self.service.draft() as draft:
            for path, content in files.items():
                await draft.add(path, one(content))
            return await self.service.add_version(owner, skill.id, draft, make_default=make_default)

    async def content(self, version: SkillVersion) -> bytes:
        """A version's zip."""
        async with aclosing(await self.service.read(version)) as pieces:
            return b"".join([piece async for piece in pieces])


@asynccontextmanager
async def open_skills(folder: Path, *, operators: Path | None = None, quota: int = QUOTA) -> AsyncIterator[SkillParts]:
    """A service that keeps everything below `folder`."""
    spool = await Spool.open(folder / "spool")
    blobs = await FolderBlobStore.open(folder / "blobs")
    async with (
        open_store(sqlite_url(folder / "sandlot.db")) as store,
        OperatorSkills.open(operators, spool) as provided,
    ):
        service = SkillService(store.skills, Storage(blobs, store.blobs, quota), provided, spool)
        yield SkillParts(service, folder, frozenset(_found(folder)))


def skill_md(name: str = "csv-tools", description: str = "Reads tables.") -> bytes:
    """A SKILL.md that says so."""
    return f"---\nname: {name}\ndescription: {description}\n---\nDo it.\n".encode()


def folder_of(more: Files | None = None, *, name: str = "csv-tools", description: str = "Reads tables.") -> Files:
    """The files of a good skill, in the folder `top`; `more` have their paths from there on."""
    return {"top/SKILL.md": skill_md(name, description), **{f"top/{path}": file for path, file in (more or {}).items()}}


async def one(content: bytes) -> AsyncIterator[bytes]:
    """A body that comes in one piece."""
    yield content


def _found(folder: Path) -> Iterator[Path]:
    return (folder / "spool").rglob("*")
