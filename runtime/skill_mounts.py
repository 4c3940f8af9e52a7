"""The skills of one container: gathered on the disk, and made into the tar that is put into it."""

from __future__ import annotations

import io
from collections.abc import AsyncIterable, Hashable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import BinaryIO, cast

from runtime.bundles.bundle import Bundle, from_zip
from runtime.bundles.limits import MB, megabytes
from runtime.bundles.names import folder_name
from runtime.bundles.refusals import refusal
from runtime.bundles.tar import write_tar
from runtime.disk import on_disk
from runtime.errors import InvalidInput
from runtime.params import at_param
from runtime.pieces import PIECE
from runtime.skill_values import InlineSkill, SkillVersion
from runtime.spool import write_file

# Ours: 200 small zips could be 50 GB of files otherwise.
MAX_MOUNTED_BYTES = 1024 * MB

# Where they are in OpenAI's containers. The tar has the whole path, since not every image has these folders.
SKILLS_FOLDER = "home/oai/skills"

# How much of an inline skill's digest is in its folder's name.
_DIGEST_LENGTH = 32


@dataclass(frozen=True, slots=True)
class _Mount:
    """A skill with its folder in the container, and its zip."""

    folder: str
    zip: Path


class SkillMounts:
    """Skills, each once and with a folder of its own. `folder` on the disk takes what is made here.

    All calls raise StorageFull, and InvalidInput for skills that are broken or too large all together.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mounts: dict[Hashable, _Mount] = {}
        self._numbers = count()
        self._packed_size = 0

    def has(self, version: SkillVersion) -> bool:
        """Whether that version is among them."""
        return version.id in self._mounts

    async def add_version(self, version: SkillVersion, content: AsyncIterable[bytes]) -> None:
        """Take a version that is not among them yet; `content` is its zip."""
        self._make_room(version.size)
        path = self._new_path()
        await write_file(path, content)
        self._mounts[version.id] = _Mount(self._free_folder(version.name, str(version.version)), path)

    async def add_inline(self, skill: InlineSkill) -> None:
        """Take a skill that came with the request, once it is checked; what is kept is the bundle's own zip."""
        path = self._new_path()
        bundle = await on_disk(partial(_bundle, skill.zip, path))
        digest = bundle.digest[:_DIGEST_LENGTH]
        if (skill.name, digest) in self._mounts:
            await on_disk(path.unlink)
        else:
            self._make_room(bundle.size)
            self._mounts[skill.name, digest] = _Mount(self._free_folder(skill.name, digest), path)

    async def tar(self) -> Path:
        """All of them as a tar, a new file."""
        path = self._new_path()
        with at_param("skills"):
            await on_disk(partial(_write, list(self._mounts.values()), path))
        return path

    def _new_path(self) -> Path:
        return self._folder / str(next(self._numbers))

    def _make_room(self, size: int) -> None:
        """Return if the zips alone are not too large yet: then there is no need to look what is in them."""
        self._packed_size += size
        if self._packed_size > MAX_MOUNTED_BYTES:
            raise _too_large()

    def _free_folder(self, name: str, suffix: str) -> str:
        """A name for a folder that none of them has: a number makes the difference if need be."""
        taken = {mount.folder for mount in self._mounts.values()}
        suffixes = (suffix if number == 1 else f"{suffix}-{number}" for number in count(1))
        return next(folder for folder in (folder_name(name, suffix) for suffix in suffixes) if folder not in taken)


def _bundle(uploaded: bytes, path: Path) -> Bundle:
    with path.open("x+b") as into:
        return from_zip(io.BytesIO(uploaded), into)


def _write(mounts: list[_Mount], path: Path) -> None:
    with path.open("xb", buffering=PIECE) as into:
        write_tar(_opened(mounts), cast(BinaryIO, _Bounded(into)))


def _opened(mounts: list[_Mount]) -> Iterator[tuple[str, BinaryIO]]:
    """One after the other, open as long as it is asked for."""
    for mount in mounts:
        with mount.zip.open("rb") as bundle:
            yield f"{SKILLS_FOLDER}/{mount.folder}", bundle


class _Bounded:
    """Writes to a file, which doesn't become larger than what may be put into one container."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._room = MAX_MOUNTED_BYTES

    def write(self, data: bytes) -> int:
        """As a file does it."""
        self._room -= len(data)
        if self._room < 0:
            raise _too_large()
        return self._file.write(data)


def _too_large() -> InvalidInput:
    return refusal(f"The skills are larger than {megabytes(MAX_MOUNTED_BYTES)}, all together.")
