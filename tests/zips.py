"""Zips built byte by byte, so that they can lie. What isn't said is filled in truthfully."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

STORED, DEFLATED = 0, 8
UTF8_FLAG, DESCRIPTOR_FLAG, ENCRYPTED_FLAG = 1 << 11, 1 << 3, 1 << 0
FILE, FOLDER, LINK, DEVICE, PIPE = 0o100644, 0o040755, 0o120777, 0o020666, 0o010644
SKILL_MD = b"---\nname: csv-tools\ndescription: Reads tables.\n---\nRead them.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file or folder of a zip, and the lies about it: each of the last six is the truth when it is None."""

    name: str | bytes
    content: bytes = b""
    mode: int = FILE
    method: int = DEFLATED
    flags: int = UTF8_FLAG
    extra: bytes = b""
    comment: bytes = b""
    packed: bytes | None = None
    size: int | None = None
    packed_size: int | None = None
    crc: int | None = None
    offset: int | None = None
    local_name: bytes | None = None

    @property
    def raw_name(self) -> bytes:
        """The name as it is in the zip."""
        return self.name.encode() if isinstance(self.name, str) else self.name

    def fields(self, stored: bytes) -> tuple[int, int, int]:
        """The checksum and the two sizes as both headers have them."""
        return (
            zlib.crc32(self.content) if self.crc is None else self.crc,
            len(stored) if self.packed_size is None else self.packed_size,
            len(self.content) if self.size is None else self.size,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """What the end record says, and what is around the zip."""

    disk: int = 0
    entries: int | None = None
    entries_here: int | None = None
    directory_size: int | None = None
    directory_offset: int | None = None
    comment: bytes = b""
    before: bytes = b""
    between: bytes = b""
    after: bytes = b""


def deflate(content: bytes) -> bytes:
    """`content` as zips hold it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


def build(members: Sequence[Member], end: End | None = None) -> bytes:
    """A zip of these members."""
    end = end or End()
    body, directory = bytearray(end.before), bytearray()
    for member in members:
        offset = len(body) if member.offset is None else member.offset
        packed = _packed(member)
        if member.offset is None:
            body += _local(member, packed)
        directory += _central(member, packed, offset)
    record = struct.pack(
        "<4s4H2LH",
        b"PK\5\6",
        end.disk,
        end.disk,
        len(members) if end.entries_here is None else end.entries_here,
        len(members) if end.entries is None else end.entries,
        len(directory) if end.directory_size is None else end.directory_size,
        len(body) if end.directory_offset is None else end.directory_offset,
        len(end.comment),
    )
    return bytes(body + directory + end.between + record + end.comment + end.after)


def skill(files: Mapping[str, bytes], *more: Member) -> bytes:
    """A zip of a skill, with a good SKILL.md in `csv-tools/`, these files beside it, and more members at the end."""
    good = [Member(name=f"csv-tools/{path}", content=content) for path, content in files.items()]
    return build([Member(name="csv-tools/SKILL.md", content=SKILL_MD), *good, *more])


def _packed(member: Member) -> bytes:
    if member.packed is not None:
        return member.packed
    return deflate(member.content) if member.method == DEFLATED else member.content


def _local(member: Member, packed: bytes) -> bytes:
    name = member.raw_name if member.local_name is None else member.local_name
    described = bool(member.flags & DESCRIPTOR_FLAG)
    fields = (0, 0, 0) if described else member.fields(packed)
    header = struct.pack(
        "<4s5H3L2H", b"PK\3\4", 20, member.flags, member.method, 0, 0x21, *fields, len(name), len(member.extra)
    )
    descriptor = struct.pack("<4s3L", b"PK\7\10", *member.fields(packed)) if described else b""
    return header + name + member.extra + packed + descriptor


def _central(member: Member, packed: bytes, offset: int) -> bytes:
    header = struct.pack(
        "<4s2B5H3L5H2L",
        b"PK\1\2",
        20,
        3,  # made on Unix
        20,
        member.flags,
        member.method,
        0,
        0x21,
        *member.fields(packed),
        len(member.raw_name),
        len(member.extra),
        len(member.comment),
        0,
        0,
        member.mode << 16,
        offset,
    )
    return header + member.raw_name + member.extra + member.comment
