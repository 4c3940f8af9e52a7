"""The skills that the operator provides to every key, from a folder."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from runtime.bundles.bundle import from_files
from runtime.bundles.files import BundleFile
from runtime.disk import on_disk
from runtime.errors import InvalidInput
from runtime.ids import is_skill_id
from runtime.pages import page_of
from runtime.skill_values import Skill, SkillVersion
from runtime.spool import Spool
from runtime.values import Page, PageRequest

# The only one there is of each. A changed folder is another version 1 from the next start on.
VERSION = 1

# What OpenAI's own are like, as `openai-spreadsheets`; 64 characters are the most that a reference may have.
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_OWNER = "operator"


@dataclass(frozen=True, slots=True)
class OperatorSkill:
    """A skill, its only version, and where that one's zip is."""

    skill: Skill
    version: SkillVersion
    zip: Path

    def versions(self, page: PageRequest) -> Page[SkillVersion]:
        """A page of its versions. Raises NotFound as SkillStore.versions does."""
        return page_of([self.version], page, noun="skill version")


class OperatorSkills:
    """Skills by their ids, which are the names of their folders. They are read once, when this is opened."""

    def __init__(self, skills: Mapping[str, OperatorSkill]) -> None:
        self._skills = skills

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path | None, spool: Spool) -> AsyncIterator[Self]:
        """Every folder in `folder` as a skill, until the end of the context; None for no skills at all.

        Plain files in `folder` are passed over, and so is what is hidden, as `.git`. Raises InvalidInput, which
        names the folder that is no skill, or has a name that can't be an id.
        """
        async with spool.folder() as zips:
            yield cls({} if folder is None else await on_disk(partial(_read_all, folder, zips)))

    def find(self, skill_id: str) -> OperatorSkill | None:
        """The skill with that id."""
        return self._skills.get(skill_id)


def _read_all(folder: Path, zips: Path) -> dict[str, OperatorSkill]:
    try:
        found = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise _unreadable(error) from None
    return {path.name: _read(path, zips / path.name) for path in found}


def _read(folder: Path, zip_path: Path) -> OperatorSkill:
    if not _SLUG.fullmatch(folder.name) or is_skill_id(folder.name):
        raise InvalidInput(
            f"The folder of a skill {folder} has a name that can't be an id: "
            "it needs 1 to 64 of the characters a-z, 0-9, '-' and '_', a letter or a digit first."
        )
    try:
        files = list(_files(folder))
        with zip_path.open("x+b") as into:
            bundle = from_files([file for file, _ in files], into)
    except InvalidInput as error:
        raise InvalidInput(f"The skill {folder} is broken: {error.message}", code=error.code) from None
    except PermissionError as error:
        raise _unreadable(error) from None
    made_at = max(modified_at for _, modified_at in files)
    skill = Skill(folder.name, _OWNER, bundle.name, bundle.description, made_at, VERSION, VERSION)
    version = SkillVersion(
        id=f"skillver_{bundle.digest[:48]}",  # of the form that others have, and the same after every start
        skill_id=skill.id,
        version=VERSION,
        name=bundle.name,
        description=bundle.description,
        created_at=made_at,
        size=bundle.size,
        blob_id="",
    )
    return OperatorSkill(skill, version, zip_path)


def _files(folder: Path) -> Iterator[tuple[BundleFile, int]]:
    """The files below a folder as those of a bundle, and when each was last changed."""
    for parent, folders, names in os.walk(folder, onerror=_raise):
        for name in (*folders, *names):
            path = Path(parent, name)
            status = path.lstat()
            if stat.S_ISREG(status.st_mode):
                bundled = str(path.relative_to(folder.parent))
                yield BundleFile.at(path, bundled, status.st_size), int(status.st_mtime)
            elif not stat.S_ISDIR(status.st_mode):
                raise InvalidInput(f"{path} is neither a plain file nor a folder.")


def _raise(error: OSError) -> None:
    raise error


def _unreadable(error: OSError) -> InvalidInput:
    return InvalidInput(f"The operator's skills can't be read: {error}")
