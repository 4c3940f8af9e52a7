"""Skills: uploaded, listed, read, deleted, and gathered for a container."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from runtime.bundles.bundle import Bundle
from runtime.errors import InvalidInput, NotFound
from runtime.file_values import Blob
from runtime.ids import is_skill_id, new_skill_id, new_skill_version_id
from runtime.missing import no_such_skill, no_such_version
from runtime.operator_skills import OperatorSkills
from runtime.params import at_param
from runtime.skill_draft import SkillDraft
from runtime.skill_mounts import SkillMounts
from runtime.skill_references import ReferredSkills, is_number, look_up
from runtime.skill_values import InlineSkill, Skill, SkillReference, SkillVersion, WantedSkill
from runtime.spool import Spool, read_file
from runtime.storage import Storage
from runtime.store.base import SkillStore
from runtime.uninterrupted import uninterrupted
from runtime.values import Page, PageRequest

# Checking and packing a bundle takes a thread and a processor for up to some seconds: others need them, too.
_PACKED_AT_ONCE = 2

_FIRST_VERSION = 1
_NOT_NUMBERED = 0


class SkillService:
    """What callers do with skills. `owner` is the id of the caller's API key; others' skills don't exist.

    The operator's are there for everybody, to be read and mounted by their ids; they aren't listed. Changing them
    raises InvalidInput. All calls raise NotFound for skills and versions that don't exist, and those that read or
    write content StorageUnavailable.
    """

    def __init__(self, store: SkillStore, storage: Storage, operator_skills: OperatorSkills, spool: Spool) -> None:
        self._store = store
        self._storage = storage
        self._operator_skills = operator_skills
        self._spool = spool
        self._packing = asyncio.Semaphore(_PACKED_AT_ONCE)

    @asynccontextmanager
    async def draft(self) -> AsyncIterator[SkillDraft]:
        """An upload to begin with: files are added to it, then a skill or a version is made of it.

        It takes space on the disk until the end of the context.
        """
        async with self._spool.folder() as folder:
            yield SkillDraft(folder)

    async def create(self, owner: str, draft: SkillDraft) -> Skill:
        """A new skill, with a first version that is the default.

        Raises InvalidInput for what is no bundle, QuotaExceeded, and StorageFull.
        """
        async with self._kept(owner, draft) as (bundle, blob):
            now = int(time.time())
            skill = Skill(
                id=new_skill_id(),
                owner=owner,
                name=bundle.name,
                description=bundle.description,
                created_at=now,
                default_version=_FIRST_VERSION,
                latest_version=_FIRST_VERSION,
            )
            version = _version(skill.id, _FIRST_VERSION, bundle, blob, now)
            await self._storage.record(blob, self._store.add(skill, version, self._storage.quota))
        return skill

    async def add_version(self, owner: str, skill_id: str, draft: SkillDraft, *, make_default: bool) -> SkillVersion:
        """A new version with the next number, one that was never used. Raises as `create` does."""
        await self._own(owner, skill_id)
        async with self._kept(owner, draft) as (bundle, blob):
            version = _version(skill_id, _NOT_NUMBERED, bundle, blob, int(time.time()))
            adding = self._store.add_version(owner, version, make_default=make_default, quota=self._storage.quota)
            return await self._storage.record(blob, adding)

    async def list(self, owner: str, page: PageRequest) -> Page[Skill]:
        """A page of the owner's skills."""
        return await self._store.list(owner, page)

    async def retrieve(self, owner: str, skill_id: str) -> Skill:
        """The skill's record."""
        if provided := self._operator_skills.find(skill_id):
            return provided.skill
        skill = await self._store.find(owner, skill_id) if is_skill_id(skill_id) else None
        if skill is None:
            raise no_such_skill(skill_id)
        return skill

    async def set_default(self, owner: str, skill_id: str, number: int) -> Skill:
        """Make a version the one that the skill is known by, and that references without a version mean."""
        await self._own(owner, skill_id)
        skill = await self._store.set_default(owner, skill_id, number) if is_number(number) else None
        if skill is None:
            raise no_such_version(skill_id, number)
        return skill

    async def delete(self, owner: str, skill_id: str) -> None:
        """Remove the skill with all its versions."""
        await self._own(owner, skill_id)
        if not await uninterrupted(self._remove(owner, skill_id)):
            raise no_such_skill(skill_id)

    async def versions(self, owner: str, skill_id: str, page: PageRequest) -> Page[SkillVersion]:
        """A page of the skill's versions, ordered by their numbers."""
        if provided := self._operator_skills.find(skill_id):
            return provided.versions(page)
        await self.retrieve(owner, skill_id)
        return await self._store.versions(owner, skill_id, page)

    async def version(self, owner: str, skill_id: str, number: int) -> SkillVersion:
        """The record of one version."""
        version = await self._find_version(owner, skill_id, number)
        if version is None:
            await self.retrieve(owner, skill_id)  # says so if there is not even a skill
            raise no_such_version(skill_id, number)
        return version

    async def delete_version(self, owner: str, skill_id: str, number: int) -> SkillVersion:
        """Remove a version, and with the last one the skill. Its record as it was.

        Raises InvalidInput when it is the default and there are others.
        """
        await self._own(owner, skill_id)
        version = await uninterrupted(self._remove_version(owner, skill_id, number)) if is_number(number) else None
        if version is None:
            raise no_such_version(skill_id, number)
        return version

    async def read(self, version: SkillVersion) -> AsyncGenerator[bytes]:
        """A version's zip, the same bytes each time. It is open when this returns; the caller closes it."""
        if provided := self._operator_skills.find(version.skill_id):
            return read_file(provided.zip)
        try:
            return await self._storage.read(version.blob_id)
        except NotFound:  # deleted just now
            raise no_such_version(version.skill_id, version.version) from None

    @asynccontextmanager
    async def mountable(self, owner: str, wanted: Sequence[WantedSkill]) -> AsyncIterator[Path | None]:
        """Everything that is wanted in a container as one tar on the disk, until the end of the context.

        It is for the root of a file system: below `home/oai/skills` there is a folder for each skill,
        `<name>-<version>`, or `<name>-<32 hex of its content>` for one that came with the request. What is wanted
        twice is there once; two skills of one name and version are told apart by a `-2` after the later. None when
        nothing is wanted. Raises NotFound and InvalidInput that name `skills[3]`, and StorageFull.
        """
        if not wanted:
            yield None
            return
        async with self._spool.folder() as folder:
            mounts = SkillMounts(folder)
            references = [skill for skill in wanted if isinstance(skill, SkillReference)]
            referred = await look_up(owner, references, self._store, self._operator_skills)
            for index, skill in enumerate(wanted):
                await self._mount(skill, referred, mounts, f"skills[{index}]")
            async with self._packing:
                tar = await mounts.tar()
            yield tar

    async def _mount(self, skill: WantedSkill, referred: ReferredSkills, mounts: SkillMounts, param: str) -> None:
        if isinstance(skill, InlineSkill):
            with at_param(f"{param}.source.data"):
                async with self._packing:
                    await mounts.add_inline(skill)
        else:
            with at_param(f"{param}.skill_id"):
                referred.skill(skill)
            with at_param(f"{param}.version"):
                version = referred.version(skill)
                if not mounts.has(version):
                    async with aclosing(await self.read(version)) as content:
                        await mounts.add_version(version, content)

    @asynccontextmanager
    async def _kept(self, owner: str, draft: SkillDraft) -> AsyncIterator[tuple[Bundle, Blob]]:
        """What became of a draft, with its zip in the storage; it stays there if it is recorded."""
        async with self._spool.folder() as folder:
            path = folder / "bundle.zip"
            async with self._packing:
                bundle = await draft.bundle(path)
            async with (
                aclosing(read_file(path)) as content,
                self._storage.write(owner, content, bundle.size) as blob,
            ):
                yield bundle, blob

    async def _remove(self, owner: str, skill_id: str) -> bool:
        """Whether this call did it."""
        blob_ids = await self._store.remove(owner, skill_id)
        if blob_ids is None:
            return False
        await self._storage.remove(blob_ids)
        return True

    async def _remove_version(self, owner: str, skill_id: str, number: int) -> SkillVersion | None:
        """What this call has removed."""
        version = await self._store.remove_version(owner, skill_id, number)
        if version is not None:
            await self._storage.remove([version.blob_id])
        return version

    async def _find_version(self, owner: str, skill_id: str, number: int) -> SkillVersion | None:
        if provided := self._operator_skills.find(skill_id):
            return provided.version if number == provided.version.version else None
        if not is_skill_id(skill_id) or not is_number(number):
            return None
        return await self._store.find_version(owner, skill_id, number)

    async def _own(self, owner: str, skill_id: str) -> None:
        """Return if it is the owner's, who may change it."""
        await self.retrieve(owner, skill_id)
        if self._operator_skills.find(skill_id):
            raise InvalidInput(f"The skill '{skill_id}' is the operator's: it can't be changed or deleted.")


def _version(skill_id: str, number: int, bundle: Bundle, blob: Blob, now: int) -> SkillVersion:
    return SkillVersion(
        id=new_skill_version_id(),
        skill_id=skill_id,
        version=number,
        name=bundle.name,
        description=bundle.description,
        created_at=now,
        size=blob.size,
        blob_id=blob.id,
    )
