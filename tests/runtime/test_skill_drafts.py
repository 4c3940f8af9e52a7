from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runtime.bundles.limits import MAX_FILE_BYTES, MAX_FILES, MAX_UNPACKED_BYTES, MAX_ZIP_BYTES, MB
from runtime.errors import InvalidInput
from tests.ordinary_zips import unzipped, zip_of
from tests.runtime.skill_parts import OWNER, Files, SkillParts, folder_of, one, open_skills, skill_md


class Body:
    """A body of zeros without an end, which knows how many bytes were taken."""

    def __init__(self, piece: int = 256 * 1024) -> None:
        self.taken = 0
        self._piece = piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.taken += self._piece
            yield bytes(self._piece)


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[SkillParts]:
    """An open service without skills."""
    async with open_skills(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("filename", "limit", "named"),
    [("top/zeros", MAX_FILE_BYTES, "The file 'top/zeros'"), ("skill.zip", MAX_ZIP_BYTES, "The zip")],
)
async def test_a_size_is_limited_while_it_comes(parts: SkillParts, filename: str, limit: int, named: str) -> None:
    """Not a piece more is taken than tells that the file is too large, and the message names the limit."""
    body = Body()
    async with parts.service.draft() as draft:
        with pytest.raises(InvalidInput) as caught:
            await draft.add(filename, body)
    assert caught.value.message == f"{named} is larger than {limit // MB} MB ({limit} bytes)."
    assert (caught.value.param, caught.value.code) == ("files", "invalid_skill_bundle")
    assert limit < body.taken <= limit + 256 * 1024
    assert parts.spooled() == []


async def test_all_files_are_limited_while_they_come(parts: SkillParts) -> None:
    """Many files, none of which is too large, are too large together."""
    fitting = MAX_UNPACKED_BYTES // MAX_FILE_BYTES
    async with parts.service.draft() as draft:
        for number in range(fitting):
            await draft.add(f"top/{number}", one(bytes(MAX_FILE_BYTES)))
        with pytest.raises(InvalidInput, match=r"larger than 256 MB \(268435456 bytes\), all together"):
            await draft.add("top/one-more", one(bytes(MAX_FILE_BYTES)))
    assert parts.spooled() == []


async def test_as_many_files_as_there_may_be(parts: SkillParts) -> None:
    """500 files are a skill; of one more, not a byte is taken."""
    files = folder_of({f"{number}": b"%d" % number for number in range(MAX_FILES - 1)})
    skill = await parts.create(files)
    assert unzipped(await parts.content(await parts.service.version(OWNER, skill.id, 1))) == files
    body = Body()
    async with parts.service.draft() as draft:
        for path, content in files.items():
            await draft.add(path, one(content))
        with pytest.raises(InvalidInput, match="at most 500"):
            await draft.add("top/one-more", body)
    assert body.taken == 0
    assert parts.spooled() == []


async def test_as_large_as_a_file_may_be(parts: SkillParts) -> None:
    """25 MB to the byte."""
    skill = await parts.create(folder_of({"zeros": bytes(MAX_FILE_BYTES)}))
    assert skill.name == "csv-tools"


async def test_a_body_that_ends_badly(parts: SkillParts) -> None:
    """What it raises is raised, and what has come of it is gone."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * MB
        raise ConnectionResetError

    async with parts.service.draft() as draft:
        with pytest.raises(ConnectionResetError):
            await draft.add("top/SKILL.md", broken())
    assert parts.spooled() == []


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "no SKILL.md"),
        ({"SKILL.md": skill_md()}, "in one top-level folder"),
        ({"SKILL.md": skill_md(), "run.py": b""}, "in one top-level folder"),
        ({"skill.zip": b"not a zip"}, "not a zip"),
        ({"skill.zip": b""}, "not a zip"),
        ({"upload": b"not a zip"}, "not a zip"),
        ({"a.zip": zip_of(folder_of()), "b.zip": zip_of(folder_of())}, "in one top-level folder"),
        ({"top/skill.zip": zip_of(folder_of())}, "no SKILL.md"),
        ({**folder_of(), "other/a": b""}, "more than one top-level folder"),
        ({**folder_of(), "top/docs/skill.MD": skill_md()}, "more than one SKILL.md"),
        ({**folder_of(), "top/a": b"", "top/A": b""}, "clash"),
        ({**folder_of(), "top/../../a": b""}, "has '..' in it"),
        ({**folder_of(), "/top/a": b""}, "is absolute"),
        ({**folder_of(), "C:/top/a": b""}, "is absolute"),
        ({**folder_of(), "top\\a": b""}, "backslash"),
        ({**folder_of(), "top/\x00": b""}, "control characters"),
        ({**folder_of(), "top/\ud800": b""}, "not text"),
        ({**folder_of(), "": b""}, "empty name"),
        ({"top/SKILL.md": b"# No front matter\n"}, "no front matter"),
    ],
)
async def test_folders_that_are_no_skills(parts: SkillParts, files: Files, says: str) -> None:
    """Each is refused in words that help, with the form's field, and leaves nothing."""
    with pytest.raises(InvalidInput) as caught:
        await parts.create(files)
    assert says in caught.value.message
    assert (caught.value.param, caught.value.code) == ("files", "invalid_skill_bundle")
    assert parts.blobs() == parts.spooled() == []


async def test_a_path_that_comes_twice(parts: SkillParts) -> None:
    """It is never clear which one is meant."""
    async with parts.service.draft() as draft:
        for content in (skill_md(), skill_md()):
            await draft.add("top/SKILL.md", one(content))
        with pytest.raises(InvalidInput, match=r"more than one SKILL\.md|clash"):
            await parts.service.create(OWNER, draft)
    assert parts.blobs() == parts.spooled() == []


async def test_a_zip_in_a_folder_is_a_file(parts: SkillParts) -> None:
    """It is kept as it is, and not looked into."""
    inner = b"PK\3\4 whatever"
    skill = await parts.create(folder_of({"data.zip": inner}))
    assert unzipped(await parts.content(await parts.service.version(OWNER, skill.id, 1)))["top/data.zip"] == inner


async def test_a_draft_that_nothing_is_made_of(parts: SkillParts) -> None:
    """It is gone at the end of its context, though nothing was wrong with it."""
    async with parts.service.draft() as draft:
        await draft.add("top/SKILL.md", one(skill_md()))
        assert len(parts.spooled()) == 2
    assert parts.spooled() == []
