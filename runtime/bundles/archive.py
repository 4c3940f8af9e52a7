"""An uploaded zip as files and folders. Nothing in it is believed before it has been looked at."""

from __future__ import annotations

import stat
import struct
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from runtime.bundles.directory import Directory, Entry, damaged, read_at, read_directory
from runtime.bundles.files import BundleFile
from runtime.bundles.names import check_path
from runtime.bundles.refusals import refusal, shown
from runtime.bundles.unpacking import METHODS, open_packed

# Encrypted, a patch instead of content, strongly encrypted, a masked header (4.4.4 of APPNOTE.TXT).
_UNREADABLE = 1 << 0 | 1 << 5 | 1 << 6 | 1 << 13

# The local header, 4.3.7: signature, flags, method, length of the name, length of the extra field.
_LOCAL = struct.Struct("<4s2x2H16x2H")
_LOCAL_SIGNATURE = b"PK\3\4"


@dataclass(frozen=True, slots=True)
class Archive:
    """What is in a zip. Its files are read, and their content is checked, when they are opened."""

    files: list[BundleFile]
    folders: list[str]


def read_archive(zip_file: BinaryIO) -> Archive:
    """The files and folders of a zip, with sizes that are only claimed until the files have been read to their ends.

    The zip stays open, and nobody else moves its position while a file is read. Raises InvalidInput for a zip that is
    damaged, encrypted or packed in an unusual way, and for links, devices, and paths that are not legal.
    """
    directory = read_directory(zip_file)
    for entry in directory.entries:
        _check(entry)
    starts = _find_contents(zip_file, directory)
    return Archive(
        files=[
            BundleFile(entry.path, entry.size, partial(open_packed, zip_file, entry, start))
            for entry, start in zip(directory.entries, starts, strict=True)
            if not entry.is_folder
        ],
        folders=[entry.path for entry in directory.entries if entry.is_folder],
    )


def _check(entry: Entry) -> None:
    """Return if the entry is a plain file or a folder, with a legal path, that can be unpacked."""
    check_path(entry.path)
    kind = stat.S_IFMT(entry.mode)
    if kind not in (0, stat.S_IFDIR if entry.is_folder else stat.S_IFREG):
        raise refusal(f"{shown(entry.path)} is neither a plain file nor a folder; links and devices are not allowed.")
    if entry.flags & _UNREADABLE:
        raise refusal(f"The file {shown(entry.path)} is encrypted.")
    if entry.method not in METHODS:
        raise refusal(f"The file {shown(entry.path)} is packed by a method other than 'stored' and 'deflated'.")


def _find_contents(zip_file: BinaryIO, directory: Directory) -> list[int]:
    """Where each entry's content begins, by its local header, which has to say the same as the list.

    No two entries share a byte: a small zip would be as large as one likes otherwise.
    """
    starts, spans = [], []
    for entry in directory.entries:
        signature, flags, method, name_length, extra_length = _LOCAL.unpack(
            read_at(zip_file, entry.offset, _LOCAL.size)
        )
        if signature != _LOCAL_SIGNATURE:
            raise damaged(f"{shown(entry.path)} is not where its list of files says")
        name = read_at(zip_file, entry.offset + _LOCAL.size, name_length)
        if (name, method, flags & _UNREADABLE) != (entry.raw_name, entry.method, entry.flags & _UNREADABLE):
            raise damaged(f"it says one thing of {shown(entry.path)} in its list of files and another beside the file")
        starts.append(entry.offset + _LOCAL.size + name_length + extra_length)
        spans.append((entry.offset, starts[-1] + entry.packed_size))
    free = 0
    for start, end in sorted(spans):
        if start < free:
            raise damaged("files in it overlap")
        free = end
    if free > directory.offset:
        raise damaged("a file in it reaches beyond its end")
    return starts
