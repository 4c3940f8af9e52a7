"""A skill that is being uploaded."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from functools import partial
from pathlib import Path

from runtime.bundles.bundle import Bundle, from_files, from_zip
from runtime.bundles.files import BundleFile
from runtime.bundles.limits import MAX_FILE_BYTES, MAX_FILES, MAX_UNPACKED_BYTES, MAX_ZIP_BYTES, megabytes
from runtime.bundles.refusals import refusal, shown
from runtime.disk import on_disk
from runtime.params import at_param
from runtime.spool import write_file

PARAM = "files"


class SkillDraft:
    """The files of an upload, on the disk: those of a folder, or one zip. It exists as long as `folder` does.

    All calls raise InvalidInput with the param `files`, and StorageFull.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: list[BundleFile] = []
        self._size = 0

    async def add(self, filename: str, pieces: AsyncIterable[bytes]) -> None:
        """Take one more file, after the one before is in. `filename` is its path from the top-level folder on.

        A limit is noticed as soon as it is passed. What `pieces` raises is raised from here. After any error the
        draft is of no more use.
        """
        with at_param(PARAM):
            if len(self._files) == MAX_FILES:
                raise refusal(f"The bundle has more than {MAX_FILES} files; at most {MAX_FILES} are allowed.")
            path = self._folder / str(len(self._files))
            before = self._size
            await write_file(path, self._limited(filename, pieces))
            self._files.append(BundleFile.at(path, filename, self._size - before))

    async def bundle(self, path: Path) -> Bundle:
        """Check what was uploaded, and write the bundle's own zip to a new file."""
        with at_param(PARAM):
            return await on_disk(partial(self._bundle, path))

    def _bundle(self, path: Path) -> Bundle:
        with path.open("x+b") as into:
            if not self._is_zip():
                return from_files(self._files, into)
            with self._files[0].open() as source:
                return from_zip(source, into)

    def _is_zip(self) -> bool:
        """Whether the upload is one zip. A zip among other files, or in a folder, is a file of the skill's."""
        return len(self._files) == 1 and _may_be_zip(self._files[0].path)

    async def _limited(self, filename: str, pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        """The pieces, as long as neither this file nor all files are too large."""
        what, limit = ("zip", MAX_ZIP_BYTES) if _may_be_zip(filename) else (f"file {shown(filename)}", MAX_FILE_BYTES)
        size = 0
        async for piece in pieces:
            size += len(piece)
            self._size += len(piece)
            if size > limit:
                raise refusal(f"The {what} is larger than {megabytes(limit)}.")
            if self._size > MAX_UNPACKED_BYTES:
                raise refusal(f"The bundle's files are larger than {megabytes(MAX_UNPACKED_BYTES)}, all together.")
            yield piece


def _may_be_zip(filename: str) -> bool:
    """Whether a file is a zip if it is alone. Folders' files have a folder in their names, except one sent without."""
    return "/" not in filename and filename.lower() != "skill.md"
