"""Zips as people's programs make them, each in its own way, are taken."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from tests.runtime.bundles.uploads import of_folder, of_zip
from tests.zips import DESCRIPTOR_FLAG, FOLDER, SKILL_MD, STORED, UTF8_FLAG, End, Member, build, skill

FILES = {"csv-tools/SKILL.md": SKILL_MD, "csv-tools/docs/é.txt": b"text" * 100}
SAME = of_folder(FILES)[1]

# 4.3.14 and 4.3.15 of APPNOTE.TXT; Info-ZIP adds both when it packs a stream, and the plain end record holds, too.
ZIP64_RECORDS = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 2, 2, 0, 0) + struct.pack(
    "<4sLQL", b"PK\6\7", 0, 0, 1
)


def _members(**changes: object) -> list[Member]:
    """The files, each with these changes."""
    return [Member(**{"name": path, "content": content, **changes}) for path, content in FILES.items()]  # type: ignore[arg-type]


def _by_zipfile(*, force_zip64: bool) -> bytes:
    """A zip of the files by the standard library."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for path, content in FILES.items():
            with archive.open(path, "w", force_zip64=force_zip64) as file:
                file.write(content)
    return written.getvalue()


ORDINARY = {
    "by the standard library": _by_zipfile(force_zip64=False),
    "by the standard library, ready for large files": _by_zipfile(force_zip64=True),
    "in another order": build(_members()[::-1]),
    "stored": build(_members(method=STORED)),
    "with data descriptors, as streams have them": build(_members(flags=UTF8_FLAG | DESCRIPTOR_FLAG)),
    "without the flag for UTF-8, as macOS and Info-ZIP do": build(_members(flags=0)),
    "with another program's records in front of the end": build(_members(), End(between=ZIP64_RECORDS)),
    "with a comment": build(_members(comment=b"c"), End(comment=b"of the whole, with PK\5\6 in it" + bytes(20))),
    "with extra fields": build(_members(extra=b"UT\5\0\3mo\3k")),
    "with bytes nobody refers to": build(_members(), End(before=b"#!/bin/unzip")),
    "without modes": build(_members(mode=0)),
    "with other modes": build(_members(mode=0o104777)),
    "with folders": build(
        [Member(name="csv-tools/", mode=FOLDER), Member(name="csv-tools/docs/", mode=0), *_members()]
    ),
    "with an empty folder": build([*_members(), Member(name="csv-tools/empty/", mode=FOLDER)]),
    "by macOS": build(
        [
            Member(name=".DS_Store", content=b"clutter"),
            Member(name="__MACOSX/", mode=FOLDER),
            Member(name="__MACOSX/csv-tools/._SKILL.md", content=b"clutter"),
            Member(name="csv-tools/docs/.DS_Store", content=b"clutter"),
            *_members(),
        ]
    ),
}


@pytest.mark.parametrize("case", ORDINARY)
def test_same_files_same_bytes(case: str) -> None:
    """Whoever packed the files, the zip that is kept is the one made of the folder."""
    assert of_zip(ORDINARY[case])[1] == SAME


def test_files_of_every_size() -> None:
    """A file comes along whole wherever the pieces end in which it is unpacked: some of a byte may still be to come."""
    sizes = range(64 * 1024 - 2, 64 * 1024 + 300, 10)
    kept = zipfile.ZipFile(io.BytesIO(of_zip(skill({str(size): bytes(size) for size in sizes}))[1]))
    assert all(kept.read(f"csv-tools/{size}") == bytes(size) for size in sizes)


def test_old_names() -> None:
    """A name in neither UTF-8 nor with a flag is in code page 437."""
    assert "csv-tools/é.txt" in _names(skill({}, Member(name=b"csv-tools/\x82.txt", flags=0)))


def test_nested_zips_are_files() -> None:
    """A zip in a skill, as documents are some, is a file like others and comes along as it is; so is half a zip."""
    template = skill({"a": b"1"})
    inner = {"report.docx": template, "templates.zip": skill({"letter.docx": template}), "half.zip": template[:-9]}
    kept = zipfile.ZipFile(io.BytesIO(of_zip(skill(inner))[1]))
    assert {name: kept.read(f"csv-tools/{name}") for name in inner} == inner


def test_any_case_of_skill_md() -> None:
    """SKILL.md is found in any letter case, and keeps its own."""
    assert _names(build([Member(name="a/Skill.MD", content=SKILL_MD)])) == ["a/Skill.MD"]


def _names(zip_content: bytes) -> list[str]:
    """The names in the zip that is kept."""
    return zipfile.ZipFile(io.BytesIO(of_zip(zip_content)[1])).namelist()
