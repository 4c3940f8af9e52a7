"""Zips inside a bundle, as documents and packages are some. Nobody unpacks them here, but code in a container may."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from runtime.bundles.archive import read_archive
from runtime.bundles.directory import count_entries
from runtime.bundles.files import BundleFile
from runtime.bundles.limits import MAX_NESTED_ZIPS, MAX_UNPACKED_BYTES, MB, NESTED_ENTRY_BYTES, megabytes
from runtime.bundles.refusals import refusal, shown
from runtime.errors import InvalidInput

_SIGNATURE = b"PK\3\4"


def check_nested(files: Sequence[BundleFile]) -> None:
    """Return if no zip among the files is a bomb: all of them together are bounded, and so is how deep they go.

    It is what they say of themselves that counts. One that a bundle couldn't be is a file like others.
    """
    _weigh(files, MAX_UNPACKED_BYTES, 1)


def _weigh(files: Sequence[BundleFile], room: int, depth: int) -> int:
    """How much of the room the zips among the files leave, with what is in them."""
    for file in files:
        with _files_in(file) as (entries, inside):
            if inside and depth > MAX_NESTED_ZIPS:
                raise refusal(f"{shown(file.path)} is a zip in more than {MAX_NESTED_ZIPS} others.")
            room -= entries * NESTED_ENTRY_BYTES + sum(found.size for found in inside)
            if room < 0:
                raise refusal(f"The zips in the bundle are larger unpacked than {megabytes(MAX_UNPACKED_BYTES)}.")
            room = _weigh(inside, room, depth + 1)
    return room


@contextmanager
def _files_in(file: BundleFile) -> Iterator[tuple[int, Sequence[BundleFile]]]:
    """How many entries a zip has to look at, and its files, to be read in the context; none if it isn't one."""
    with file.open() as content, SpooledTemporaryFile(MB) as copy:
        start = content.read(len(_SIGNATURE))
        if start != _SIGNATURE:
            yield 0, ()
            return
        copy.write(start)
        shutil.copyfileobj(content, copy)
        zip_file = cast(BinaryIO, copy)
        entries = count_entries(zip_file)
        try:
            archive = read_archive(zip_file)
        except InvalidInput:
            yield entries, ()
        else:
            yield entries, archive.files
