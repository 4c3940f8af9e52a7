from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from runtime.errors import InvalidInput, NotFound
from runtime.operator_skills import OperatorSkills
from runtime.skill_values import Skill
from runtime.spool import Spool
from runtime.values import PageRequest
from tests.ordinary_zips import unzipped
from tests.runtime.skill_parts import OTHER, OWNER, Files, SkillParts, folder_of, open_skills, skill_md

SLUG = "openai-spreadsheets"


@pytest.fixture
def operators(tmp_path: Path) -> Path:
    """The operator's folder, with one skill and things beside it that are none."""
    folder = tmp_path / "operators"
    put(folder / SLUG, folder_of({"lib/tables.py": b"#!/usr/bin/python3\n"}, name="Spreadsheets"))
    put(folder / ".git", {"top/config": b"hidden"})
    (folder / "README.md").write_text("What is here.")
    return folder


@pytest.fixture
async def parts(tmp_path: Path, operators: Path) -> AsyncIterator[SkillParts]:
    """An open service, with the operator's skill."""
    async with open_skills(tmp_path, operators=operators) as opened:
        yield opened


def put(folder: Path, files: Files) -> None:
    """Write the files below `top` to a folder."""
    for path, content in files.items():
        place = folder / path.removeprefix("top/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


async def test_every_key_can_read_it(parts: SkillParts) -> None:
    """Its record, its only version, and its files."""
    for owner in (OWNER, OTHER):
        skill = await parts.service.retrieve(owner, SLUG)
        version = await parts.service.version(owner, SLUG, 1)
        assert (skill.id, skill.name, skill.description) == (SLUG, "Spreadsheets", "Reads tables.")
        assert (skill.default_version, skill.latest_version, version.version) == (1, 1, 1)
        assert (version.skill_id, version.name, version.created_at) == (SLUG, "Spreadsheets", skill.created_at)
        content = await parts.content(version)
        assert len(content) == version.size
        assert unzipped(content) == {
            f"{SLUG}/SKILL.md": skill_md("Spreadsheets"),
            f"{SLUG}/lib/tables.py": b"#!/usr/bin/python3\n",
        }


async def test_it_is_not_listed(parts: SkillParts) -> None:
    """Lists are of what a key has made."""
    mine = await parts.create(folder_of())
    assert (await parts.service.list(OWNER, PageRequest())).data == [mine]


async def test_its_versions_are_a_page(parts: SkillParts) -> None:
    """With the same rules as others': one, nothing after it, and nothing after what isn't there."""
    version = await parts.service.version(OWNER, SLUG, 1)
    for page, data, has_more in (
        (PageRequest(), [version], False),
        (PageRequest(limit=0), [], True),
        (PageRequest(after=version.id), [], False),
    ):
        found = await parts.service.versions(OWNER, SLUG, page)
        assert (found.data, found.has_more) == (data, has_more)
    with pytest.raises(NotFound) as caught:
        await parts.service.versions(OWNER, SLUG, PageRequest(after="skillver_1"))
    assert caught.value.param == "after"
    with pytest.raises(NotFound, match="Version '2' of skill"):
        await parts.service.version(OWNER, SLUG, 2)


async def test_nobody_changes_it(parts: SkillParts) -> None:
    """Every way to do so is refused, and says why."""
    service = parts.service
    for attempt in (
        service.set_default(OWNER, SLUG, 1),
        service.delete(OWNER, SLUG),
        service.delete_version(OWNER, SLUG, 1),
        parts.add(Skill(SLUG, OWNER, "", "", 0, 1, 1), folder_of()),
    ):
        with pytest.raises(InvalidInput, match=f"The skill '{SLUG}' is the operator's: it can't be changed"):
            await attempt
    assert (await service.retrieve(OWNER, SLUG)).id == SLUG
    assert parts.blobs() == parts.spooled() == []


async def test_it_is_the_same_after_another_start(tmp_path: Path, operators: Path) -> None:
    """Record, version and bytes; a version that was changed in between has another id."""
    seen = []
    for _ in range(2):
        async with open_skills(tmp_path, operators=operators) as parts:
            version = await parts.service.version(OWNER, SLUG, 1)
            seen.append((await parts.service.retrieve(OWNER, SLUG), version, await parts.content(version)))
    assert seen[0] == seen[1]
    put(operators / SLUG, {"lib/tables.py": b"changed"})
    async with open_skills(tmp_path, operators=operators) as parts:
        assert (await parts.service.version(OWNER, SLUG, 1)).id != version.id


async def test_a_change_while_it_runs_is_not_seen(parts: SkillParts, operators: Path) -> None:
    """What was checked at the start is what there is."""
    put(operators / SLUG, {"SKILL.md": b"broken now"})
    version = await parts.service.version(OWNER, SLUG, 1)
    assert unzipped(await parts.content(version))[f"{SLUG}/SKILL.md"] == skill_md("Spreadsheets")


async def test_without_a_folder_there_are_none(tmp_path: Path) -> None:
    """Nor with an empty one."""
    (tmp_path / "operators").mkdir()
    for folder in (None, tmp_path / "operators"):
        async with open_skills(tmp_path, operators=folder) as parts:
            with pytest.raises(NotFound):
                await parts.service.retrieve(OWNER, SLUG)


def link(folder: Path) -> None:
    """Make a folder a good skill, but for a link in it."""
    put(folder, folder_of())
    (folder / "link").symlink_to("/etc")


def pipe(folder: Path) -> None:
    """Make a folder a good skill, but for a pipe in it."""
    put(folder, folder_of())
    os.mkfifo(folder / "pipe")


BROKEN: list[tuple[str, Callable[[Path], None], str]] = [
    ("a", lambda folder: put(folder, {"README.md": b""}), "no SKILL.md"),
    ("a", lambda folder: folder.mkdir(), "no SKILL.md"),
    ("a", lambda folder: put(folder, {"SKILL.md": b"# A\n"}), "no front matter"),
    ("a", lambda folder: put(folder, folder_of({"x": b"", "X": b""})), "clash"),
    ("a", lambda folder: put(folder, folder_of({"\udcff": b""})), "not text"),
    ("a", link, "plain file"),
    ("a", pipe, "plain file"),
    ("a skill", lambda folder: put(folder, folder_of()), "can't be an id"),
    ("Skill", lambda folder: put(folder, folder_of()), "can't be an id"),
    ("a" * 65, lambda folder: put(folder, folder_of()), "can't be an id"),
    (f"skill_{'a' * 48}", lambda folder: put(folder, folder_of()), "can't be an id"),
]


@pytest.mark.parametrize(("name", "make", "says"), BROKEN)
async def test_a_broken_one_stops_the_start(
    tmp_path: Path, operators: Path, name: str, make: Callable[[Path], None], says: str
) -> None:
    """The message names the folder and says what is wrong; the spool is left empty."""
    make(operators / name)
    spool = await Spool.open(tmp_path / "spool")
    with pytest.raises(InvalidInput) as caught:
        async with OperatorSkills.open(operators, spool):
            pass
    assert str(operators / name) in caught.value.message
    assert says in caught.value.message
    assert os.listdir(tmp_path / "spool") == []


async def test_a_folder_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    """A typing error in a setting would mean no skills otherwise."""
    spool = await Spool.open(tmp_path / "spool")
    with pytest.raises(InvalidInput, match="/nowhere"):
        async with OperatorSkills.open(tmp_path / "nowhere", spool):
            pass
