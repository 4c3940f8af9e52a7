"""Limits hold to the unit: what is exactly at one is taken, and one more is refused with the limit's name."""

from __future__ import annotations

import io
import os
import tempfile

import pytest

from runtime.bundles.bundle import from_files, from_zip
from runtime.bundles.files import BundleFile
from runtime.bundles.layout import check_sizes
from runtime.bundles.limits import MAX_ENTRIES, MAX_FILE_BYTES, MAX_FILES, MAX_UNPACKED_BYTES, MAX_ZIP_BYTES, MB
from runtime.errors import InvalidInput
from tests.runtime.bundles.uploads import of_folder, of_zip
from tests.zips import FOLDER, SKILL_MD, STORED, Member, build, skill


def _numbered(count: int) -> dict[str, bytes]:
    return {f"{number:04}": b"" for number in range(count)}


def test_files() -> None:
    """500 files, SKILL.md among them, as a zip and as a folder."""
    assert MAX_FILES == 500
    bundle = of_zip(skill(_numbered(499)))[0]
    assert bundle == of_folder({"csv-tools/SKILL.md": SKILL_MD, **{f"csv-tools/{n}": b"" for n in _numbered(499)}})[0]
    with pytest.raises(InvalidInput, match="at most 500"):
        of_zip(skill(_numbered(500)))
    with pytest.raises(InvalidInput, match="at most 500"):
        of_folder({"csv-tools/SKILL.md": SKILL_MD, **{f"csv-tools/{n}": b"" for n in _numbered(500)}})


def test_clutter_counts() -> None:
    """What macOS adds is a file as long as files are counted."""
    clutter = Member(name="__MACOSX/csv-tools/._0001")
    of_zip(skill(_numbered(498), clutter))
    with pytest.raises(InvalidInput, match="at most 500"):
        of_zip(skill(_numbered(499), clutter))


def test_entries() -> None:
    """2000 entries of a zip, with its folders."""
    folders = [Member(name=f"csv-tools/{number}/", mode=FOLDER) for number in range(MAX_ENTRIES)]
    of_zip(skill({}, *folders[1:]))
    with pytest.raises(InvalidInput, match=f"at most {MAX_ENTRIES}"):
        of_zip(skill({}, *folders))


def test_size_of_a_file() -> None:
    """25 MB unpacked."""
    assert MAX_FILE_BYTES == 26_214_400
    of_zip(skill({"zeros": bytes(MAX_FILE_BYTES)}))
    with pytest.raises(InvalidInput, match=r"'csv-tools/zeros' is larger than 25 MB \(26214400 bytes\)"):
        of_zip(skill({"zeros": bytes(MAX_FILE_BYTES + 1)}))
    with pytest.raises(InvalidInput, match=r"'a/zeros' is larger than 25 MB \(26214400 bytes\)"):
        of_folder({"a/SKILL.md": SKILL_MD, "a/zeros": bytes(MAX_FILE_BYTES + 1)})


def test_size_of_all_files() -> None:
    """256 MB unpacked, all together."""
    files = [BundleFile(f"a/{number}", 8 * MB, io.BytesIO) for number in range(32)]
    assert sum(file.size for file in files) == MAX_UNPACKED_BYTES
    check_sizes(files)
    with pytest.raises(InvalidInput, match=r"256 MB .* all together"):
        check_sizes([*files, BundleFile("a/more", 1, io.BytesIO)])


def test_size_of_the_zip() -> None:
    """50 MB packed, however little they yield to being packed again."""
    assert MAX_ZIP_BYTES == 52_428_800
    halves = [Member(name=f"a/{number}", content=os.urandom(25 * MB - 200), method=STORED) for number in range(2)]
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as into:
        source.write(build([Member(name="a/SKILL.md", content=SKILL_MD, method=STORED, extra=bytes(1)), *halves]))
        missing = MAX_ZIP_BYTES - source.tell()
        source.seek(-2, os.SEEK_END)
        source.write(missing.to_bytes(2, "little") + bytes(missing))  # the zip's comment
        assert source.tell() == MAX_ZIP_BYTES
        from_zip(source, into)
        source.seek(0, os.SEEK_END)
        source.write(b"x")
        with pytest.raises(InvalidInput, match=r"52428801 bytes; at most 50 MB \(52428800 bytes\)"):
            from_zip(source, into)


def test_a_folder_has_no_packed_size() -> None:
    """A folder's files may be more than 50 MB together, as long as each is within its own limit."""
    block = os.urandom(20 * MB)
    files = [BundleFile(f"a/{number}", len(block), lambda: io.BytesIO(block)) for number in range(3)]
    with tempfile.TemporaryFile() as into:
        bundle = from_files([BundleFile("a/SKILL.md", len(SKILL_MD), lambda: io.BytesIO(SKILL_MD)), *files], into)
    assert bundle.size > MAX_ZIP_BYTES
