"""A skill bundle: what was uploaded, zip or folder, checked and made into the one zip that is kept."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from runtime.bundles.archive import read_archive
from runtime.bundles.canonical import write_zip
from runtime.bundles.files import BundleFile
from runtime.bundles.front_matter import read_front_matter
from runtime.bundles.layout import check_paths, check_sizes, find_skill_md
from runtime.bundles.limits import MAX_ZIP_BYTES, megabytes
from runtime.bundles.names import check_path, is_clutter
from runtime.bundles.nesting import check_nested
from runtime.bundles.refusals import refusal


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is known of a bundle: what its SKILL.md says, and its zip.

    `size` is that of the zip, in bytes; `digest` is the SHA-256 of it, in hex.
    """

    name: str
    description: str
    size: int
    digest: str


def from_zip(source: BinaryIO, into: BinaryIO) -> Bundle:
    """Check an uploaded zip and write the bundle's own into an empty file, open for reading and writing.

    It blocks: it reads all there is and packs it again. Raises InvalidInput for a zip that isn't a skill or is over a
    limit; what is in `into` then is of no use. The 50 MB are those of `source`: packed again, it may be a little more.
    """
    size = source.seek(0, os.SEEK_END)
    if size > MAX_ZIP_BYTES:
        raise refusal(f"The zip has {size} bytes; at most {megabytes(MAX_ZIP_BYTES)} are allowed.")
    archive = read_archive(source)
    return _make(archive.files, archive.folders, into)


def from_files(files: Sequence[BundleFile], into: BinaryIO) -> Bundle:
    """Check an uploaded folder and write the bundle's zip as `from_zip` does: the same files give the same bytes.

    Each file is opened two or three times. There is no limit of 50 MB here, only those of what is unpacked.
    """
    for file in files:
        check_path(file.path)
    return _make(files, (), into)


def _make(files: Sequence[BundleFile], folders: Sequence[str], into: BinaryIO) -> Bundle:
    """The bundle of files with legal paths. What macOS adds is dropped once it has been counted."""
    check_sizes(files)
    files = [file for file in files if not is_clutter(file.path)]
    folders = [folder for folder in folders if not is_clutter(folder)]
    check_paths([file.path for file in files], folders)
    with find_skill_md(files).open() as skill_md:
        front_matter = read_front_matter(skill_md)
    check_nested(files)
    write_zip(files, into)
    size = into.seek(0, os.SEEK_END)
    into.seek(0)
    digest = hashlib.file_digest(into, "sha256").hexdigest()  # type: ignore[arg-type] # more files will do than it says
    return Bundle(front_matter.name, front_matter.description, size, digest)
