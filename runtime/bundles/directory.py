"""A zip's list of what is in it: its end record and its central directory, read without believing either.

The standard library's `zipfile` reads the whole list before one can look, takes garbage before and after it, and mends
names quietly. Here a zip is exactly one end record, at the end, and as many entries as it says. Sections in comments
are those of PKWARE's APPNOTE.TXT 6.3.10.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from runtime.bundles.limits import MAX_ENTRIES, MAX_PATH_BYTES
from runtime.bundles.refusals import refusal, shown
from runtime.errors import InvalidInput

_UTF8_FLAG = 1 << 11
_MAX_COMMENT_BYTES = 0xFFFF
_ENDS_TRIED = 16  # of the thousands that a comment can have in it; each zip in a zip may have such a one


class _End(NamedTuple):
    """The end of central directory record, 4.3.16."""

    signature: bytes
    disk: int
    first_disk: int
    entries_here: int
    entries: int
    size: int
    offset: int
    comment_length: int


class _Header(NamedTuple):
    """A central directory header, 4.3.12, without what nobody needs."""

    signature: bytes
    flags: int
    method: int
    crc: int
    packed_size: int
    size: int
    name_length: int
    extra_length: int
    comment_length: int
    disk: int
    attributes: int
    offset: int


_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\5\6"
_HEADER = struct.Struct("<4s4x2H4x3L4H2x2L")
_HEADER_SIGNATURE = b"PK\1\2"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the list says of one file or folder. `mode` is Unix's, 0 where the zip was made without one.

    `packed_size` and `size` are what the content is said to take in the zip and unpacked, `offset` is where its local
    header is.
    """

    path: str
    raw_name: bytes
    is_folder: bool
    mode: int
    flags: int
    method: int
    crc: int
    packed_size: int
    size: int
    offset: int


@dataclass(frozen=True, slots=True)
class Directory:
    """All entries in the list's order, and where the list begins: everything they stand for is before that."""

    entries: list[Entry]
    offset: int


def damaged(why: str) -> InvalidInput:
    """The error for bytes that are no whole zip."""
    return refusal(f"The zip is damaged: {why}.")


def read_at(zip_file: BinaryIO, offset: int, size: int) -> bytes:
    """Exactly `size` bytes from `offset` on. Raises InvalidInput if there are fewer."""
    zip_file.seek(offset)
    found = zip_file.read(size)
    if len(found) < size:
        raise damaged("it ends too early")
    return found


def read_directory(zip_file: BinaryIO) -> Directory:
    """The list of a zip. What it says of itself is checked, what it says of the entries' content is not."""
    end, end_offset = _find_end(zip_file)
    if end.disk or end.first_disk or end.entries_here != end.entries:
        raise refusal("The zip is one part of several; it has to be a single file.")
    if end.entries > MAX_ENTRIES:
        raise refusal(f"The zip has {end.entries} files and folders; at most {MAX_ENTRIES} are allowed.")
    if end.offset + end.size > end_offset:  # also what ZIP64 says, which is for zips larger than any bundle
        raise damaged("its list of files is not where it should be")
    entries = list(_read_entries(zip_file, end))
    return Directory(entries, end.offset)


def count_entries(zip_file: BinaryIO) -> int:
    """How many entries `read_directory` would look at, whether or not all are good; none in what it wouldn't read."""
    try:
        entries = _find_end(zip_file)[0].entries
    except InvalidInput:
        return 0
    return entries if entries <= MAX_ENTRIES else 0


def _find_end(zip_file: BinaryIO) -> tuple[_End, int]:
    """The last end record whose comment ends where the zip ends, and its offset. It is among the last few."""
    size = zip_file.seek(0, os.SEEK_END)
    tail_offset = max(size - _END.size - _MAX_COMMENT_BYTES, 0)
    tail = read_at(zip_file, tail_offset, size - tail_offset)
    at = len(tail)
    for _ in range(_ENDS_TRIED):
        at = tail.rfind(_END_SIGNATURE, 0, at)
        if at < 0:
            break
        if at + _END.size <= len(tail):
            end = _End._make(_END.unpack_from(tail, at))
            if at + _END.size + end.comment_length == len(tail):
                return end, tail_offset + at
    raise refusal("This is not a zip, or not a whole one, or something follows its end.")


def _read_entries(zip_file: BinaryIO, end: _End) -> Iterator[Entry]:
    """The entries one by one; extra fields and comments, up to 64 KiB each, are stepped over."""
    offset = end.offset
    for _ in range(end.entries):
        header = _Header._make(_HEADER.unpack(read_at(zip_file, offset, _HEADER.size)))
        if header.signature != _HEADER_SIGNATURE:
            raise damaged("its list of files is not one")
        if header.disk:
            raise refusal("The zip is one part of several; it has to be a single file.")
        if header.name_length > MAX_PATH_BYTES:
            raise refusal(f"The zip has a path longer than {MAX_PATH_BYTES} bytes.")
        yield _entry(header, read_at(zip_file, offset + _HEADER.size, header.name_length))
        offset += _HEADER.size + header.name_length + header.extra_length + header.comment_length
    if offset != end.offset + end.size:
        raise damaged("its list of files is longer or shorter than it says")


def _entry(header: _Header, raw_name: bytes) -> Entry:
    path = _decode(raw_name, header.flags)
    return Entry(
        path=path.removesuffix("/"),
        raw_name=raw_name,
        is_folder=path.endswith("/"),
        mode=header.attributes >> 16,
        flags=header.flags,
        method=header.method,
        crc=header.crc,
        packed_size=header.packed_size,
        size=header.size,
        offset=header.offset,
    )


def _decode(raw_name: bytes, flags: int) -> str:
    """A name as text. Without the flag for UTF-8 it may still be that, as macOS and Info-ZIP write it.

    If it isn't, it is in code page 437, which has a character for every byte (Appendix D).
    """
    try:
        return raw_name.decode()
    except UnicodeDecodeError:
        if flags & _UTF8_FLAG:
            raise refusal(f"The name {shown(raw_name.decode('latin-1'))} in the zip is not UTF-8 text.") from None
        return raw_name.decode("cp437")
