from __future__ import annotations

import asyncio
import os
import zipfile
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from runtime.bundles.limits import MAX_ZIP_BYTES, MB
from runtime.errors import InvalidInput, NotFound, QuotaExceeded
from runtime.skill_values import Skill, SkillReference
from runtime.spool import read_file
from runtime.values import PageRequest
from tests.hostile_zips import HOSTILE
from tests.memory import growth
from tests.ordinary_zips import unzipped, zip_of
from tests.runtime.skill_parts import (
    OTHER,
    OWNER,
    Files,
    SkillParts,
    folder_of,
    open_skills,
    skill_md,
)

REFUSED_LATER_AND_LATER = [
    "nothing",
    "two top-level folders",
    "no front matter",
    "a bomb that calls itself small",
]
NO_VERSIONS = [0, -1, 2, 10**18 - 1, 10**18, 2**63, 10**30]


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[SkillParts]:
    """An open service without skills."""
    async with open_skills(tmp_path) as opened:
        yield opened


@pytest.fixture
async def skill(parts: SkillParts) -> Skill:
    """A skill with one version."""
    return await parts.create(folder_of({"run.py": b"#!/usr/bin/python3\n"}))


def noisy(size: int = 80_000) -> Files:
    """A skill whose zip is not much smaller, nor larger, than `size` bytes."""
    return folder_of({"noise": os.urandom(size)})


async def numbers(parts: SkillParts, skill: Skill) -> list[int]:
    """The numbers of a skill's versions."""
    page = await parts.service.versions(OWNER, skill.id, PageRequest(order="asc"))
    return [version.version for version in page.data]


async def test_a_folder_becomes_a_skill(parts: SkillParts, skill: Skill) -> None:
    """It says of itself what its SKILL.md does, has a first version that is the default, and its files as they were."""
    version = await parts.service.version(OWNER, skill.id, 1)
    assert (skill.name, skill.description) == (version.name, version.description) == ("csv-tools", "Reads tables.")
    assert (skill.default_version, skill.latest_version, version.version) == (1, 1, 1)
    assert await parts.service.retrieve(OWNER, skill.id) == skill
    content = await parts.content(version)
    assert len(content) == version.size
    assert unzipped(content) == {"top/SKILL.md": skill_md(), "top/run.py": b"#!/usr/bin/python3\n"}
    assert parts.spooled() == []
    assert len(parts.blobs()) == 1


async def test_the_same_files_are_the_same_bytes(parts: SkillParts) -> None:
    """As a folder, as a zip, in any order, and each time they are read."""
    files = folder_of({"run.py": b"1\n", "docs/a.md": b"x" * 100_000})
    turned = dict(reversed(list(files.items())))
    contents = set()
    for uploaded in (files, turned, {"skill.zip": zip_of(files)}, {"blob": zip_of(turned)}):
        made = await parts.create(uploaded)
        version = await parts.service.version(OWNER, made.id, 1)
        contents |= {await parts.content(version) for _ in range(2)}
    assert len(contents) == 1


async def test_numbers_are_never_used_again(parts: SkillParts, skill: Skill) -> None:
    """Not even the highest one's, when its version is gone; the latest is the highest that is there."""
    assert [(await parts.add(skill, folder_of())).version for _ in range(2)] == [2, 3]
    await parts.service.delete_version(OWNER, skill.id, 3)
    assert (await parts.service.retrieve(OWNER, skill.id)).latest_version == 2
    assert (await parts.add(skill, folder_of())).version == 4
    assert await numbers(parts, skill) == [1, 2, 4]


async def test_versions_made_at_once_have_different_numbers(parts: SkillParts, skill: Skill) -> None:
    """Each its own, without a gap."""
    made = await asyncio.gather(*(parts.add(skill, folder_of()) for _ in range(10)))
    assert sorted(version.version for version in made) == list(range(2, 12))


async def test_a_new_version_is_the_default_only_if_wanted(parts: SkillParts, skill: Skill) -> None:
    """A skill's name and description are those of its default version."""
    await parts.add(skill, folder_of(name="second", description="Two."))
    seen = await parts.service.retrieve(OWNER, skill.id)
    assert (seen.name, seen.default_version, seen.latest_version) == ("csv-tools", 1, 2)
    await parts.add(skill, folder_of(name="third", description="Three."), make_default=True)
    seen = await parts.service.retrieve(OWNER, skill.id)
    assert (seen.name, seen.description, seen.default_version, seen.latest_version) == ("third", "Three.", 3, 3)
    seen = await parts.service.set_default(OWNER, skill.id, 2)
    assert (seen.name, seen.default_version, seen.latest_version) == ("second", 2, 3)


async def test_the_default_version_can_only_go_last(parts: SkillParts, skill: Skill) -> None:
    """Beside others it is refused in OpenAI's words; once it is the last, the skill goes with it."""
    await parts.add(skill, folder_of())
    with pytest.raises(InvalidInput) as caught:
        await parts.service.delete_version(OWNER, skill.id, 1)
    assert caught.value.message == "You can't delete the default version; set another default first."
    await parts.service.set_default(OWNER, skill.id, 2)
    assert (await parts.service.delete_version(OWNER, skill.id, 1)).version == 1
    assert (await parts.service.delete_version(OWNER, skill.id, 2)).version == 2
    with pytest.raises(NotFound):
        await parts.service.retrieve(OWNER, skill.id)
    assert parts.blobs() == []


async def test_a_deleted_skill_takes_its_versions_along(parts: SkillParts, skill: Skill) -> None:
    """Their records and their bytes; done again, it is not found."""
    version = await parts.add(skill, folder_of())
    await parts.service.delete(OWNER, skill.id)
    for attempt in (
        parts.service.delete(OWNER, skill.id),
        parts.service.version(OWNER, skill.id, 2),
        parts.service.versions(OWNER, skill.id, PageRequest()),
        parts.service.read(version),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert parts.blobs() == []


async def test_a_reader_keeps_what_is_deleted_meanwhile(parts: SkillParts, skill: Skill) -> None:
    """A download that has begun ends as if nothing had happened."""
    content = await parts.service.read(await parts.service.version(OWNER, skill.id, 1))
    await parts.service.delete(OWNER, skill.id)
    async with aclosing(content):
        assert "top/run.py" in unzipped(b"".join([piece async for piece in content]))


UNKNOWN_SKILLS = ["skill_" + 48 * "1", "skill_1", "openai-spreadsheets", "", "../x", "\x00", "\ud800"]


@pytest.mark.parametrize("skill_id", UNKNOWN_SKILLS)
async def test_unknown_skills_are_not_found(parts: SkillParts, skill_id: str) -> None:
    """Whatever is done with them, in OpenAI's words, and whether or not the id could be one."""
    missing = Skill(skill_id, OWNER, "", "", 0, 1, 1)
    service = parts.service
    for attempt in (
        service.retrieve(OWNER, skill_id),
        service.set_default(OWNER, skill_id, 1),
        service.delete(OWNER, skill_id),
        service.versions(OWNER, skill_id, PageRequest()),
        service.version(OWNER, skill_id, 1),
        service.delete_version(OWNER, skill_id, 1),
        parts.add(missing, folder_of()),
    ):
        with pytest.raises(NotFound) as caught:
            await attempt
        assert caught.value.message == f"Skill with id '{skill_id}' not found."
    assert parts.blobs() == parts.spooled() == []


@pytest.mark.parametrize("number", NO_VERSIONS)
async def test_unknown_versions_are_not_found(parts: SkillParts, skill: Skill, number: int) -> None:
    """The message names the version and the skill, however absurd the number."""
    service = parts.service
    for attempt in (
        service.version(OWNER, skill.id, number),
        service.set_default(OWNER, skill.id, number),
        service.delete_version(OWNER, skill.id, number),
    ):
        with pytest.raises(NotFound) as caught:
            await attempt
        assert caught.value.message == f"Version '{number}' of skill with id '{skill.id}' not found."
    assert await numbers(parts, skill) == [1]


async def test_others_skills_do_not_exist(parts: SkillParts, skill: Skill) -> None:
    """Another key sees, changes, deletes and mounts nothing, and is told the same as of an id that was never given."""
    service = parts.service
    assert (await service.list(OTHER, PageRequest())).data == []
    for attempt in (
        service.retrieve(OTHER, skill.id),
        service.set_default(OTHER, skill.id, 1),
        service.delete(OTHER, skill.id),
        service.versions(OTHER, skill.id, PageRequest()),
        service.version(OTHER, skill.id, 1),
        service.delete_version(OTHER, skill.id, 1),
        parts.add(skill, folder_of(), owner=OTHER),
    ):
        with pytest.raises(NotFound) as caught:
            await attempt
        assert caught.value.message == f"Skill with id '{skill.id}' not found."
    with pytest.raises(NotFound):
        async with service.mountable(OTHER, [SkillReference(skill.id)]):
            pass
    assert (await service.list(OWNER, PageRequest())).data == [skill]
    assert await numbers(parts, skill) == [1]


async def test_lists_come_in_pages(parts: SkillParts) -> None:
    """One after the other, also none at all; versions by their numbers."""
    skills = [await parts.create(folder_of(name=f"skill-{number}")) for number in range(3)]
    first = await parts.service.list(OWNER, PageRequest(limit=2, order="asc"))
    rest = await parts.service.list(OWNER, PageRequest(limit=2, order="asc", after=first.data[-1].id))
    assert {skill.id for skill in (*first.data, *rest.data)} == {skill.id for skill in skills}
    assert (first.has_more, rest.has_more) == (True, False)
    nothing = await parts.service.list(OWNER, PageRequest(limit=0))
    assert (nothing.data, nothing.has_more) == ([], True)
    for _ in range(10):
        await parts.add(skills[0], folder_of())
    latest = await parts.service.versions(OWNER, skills[0].id, PageRequest(limit=3))
    assert [version.version for version in latest.data] == [11, 10, 9]
    last = await parts.service.versions(OWNER, skills[0].id, PageRequest(after=latest.data[-1].id))
    assert [version.version for version in last.data] == list(range(8, 0, -1))


@pytest.mark.parametrize("name", REFUSED_LATER_AND_LATER)
async def test_what_is_no_skill_leaves_nothing(parts: SkillParts, name: str) -> None:
    """A refusal that names the form's field, and not a byte anywhere."""
    uploaded = {"skill.zip": HOSTILE[name].make()}
    with pytest.raises(InvalidInput) as caught:
        await parts.create(uploaded)
    assert (caught.value.param, caught.value.code) == ("files", "invalid_skill_bundle")
    assert (await parts.service.list(OWNER, PageRequest())).data == []
    assert parts.blobs() == parts.spooled() == []


async def test_a_refused_version_leaves_the_skill_as_it_was(parts: SkillParts, skill: Skill) -> None:
    """And takes no number."""
    with pytest.raises(InvalidInput):
        await parts.add(skill, {"top/README.md": b""}, make_default=True)
    assert await parts.service.retrieve(OWNER, skill.id) == skill
    assert len(parts.blobs()) == 1
    assert (await parts.add(skill, folder_of())).version == 2


async def test_a_key_has_no_more_than_its_quota(tmp_path: Path) -> None:
    """Skills count by the size of their zips; one that doesn't fit leaves nothing, and room made is room again."""
    async with open_skills(tmp_path, quota=100_000) as parts:
        fitting = await parts.create(noisy())
        for refused in (
            parts.create(noisy()),
            parts.add(fitting, folder_of({"a": os.urandom(80_000)})),
        ):
            with pytest.raises(QuotaExceeded):
                await refused
        assert len(parts.blobs()) == 1
        assert parts.spooled() == []
        await parts.create(noisy(), owner=OTHER)
        await parts.service.delete(OWNER, fitting.id)
        await parts.create(noisy())


async def test_an_upload_called_off_leaves_nothing(parts: SkillParts) -> None:
    """At whatever moment: the task that makes the skill is cancelled again and again, each time a bit later."""
    files = noisy(1_000_000)
    for milliseconds in range(0, 60, 3):
        making = asyncio.create_task(parts.create(files))
        await asyncio.sleep(milliseconds / 1000)
        making.cancel()
        await asyncio.wait({making})
        assert parts.spooled() == []
        kept = (await parts.service.list(OWNER, PageRequest())).data
        assert len(parts.blobs()) == len(kept)
        for made in kept:
            await parts.service.delete(OWNER, made.id)


async def test_deleted_twice_at_once(parts: SkillParts, skill: Skill) -> None:
    """One does it, the others find nothing."""
    attempts = [parts.service.delete(OWNER, skill.id) for _ in range(5)]
    ended = await asyncio.gather(*attempts, return_exceptions=True)
    assert sorted(type(result).__name__ for result in ended) == ["NoneType", *["NotFound"] * 4]
    assert parts.blobs() == []


async def test_memory_stays_flat(parts: SkillParts, tmp_path: Path) -> None:
    """A zip as large as one may be, of files that don't get smaller, is never held: up, kept, and down."""
    path = tmp_path / "large.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("top/SKILL.md", skill_md())
        for name in "ab":
            with archive.open(f"top/{name}", "w", force_zip64=False) as file:
                for _ in range(24):
                    file.write(os.urandom(MB))
        archive.comment = b"x" * 1000
    assert MAX_ZIP_BYTES - 3 * MB < path.stat().st_size < MAX_ZIP_BYTES
    with growth(os.getpid(), "a large zip") as grown:
        async with parts.service.draft() as draft:
            async with aclosing(read_file(path)) as pieces:
                await draft.add("large.zip", pieces)
            skill = await parts.service.create(OWNER, draft)
        version = await parts.service.version(OWNER, skill.id, 1)
        async with aclosing(await parts.service.read(version)) as content:
            size = sum([len(piece) async for piece in content])
    assert size == version.size > 48 * MB
    assert grown() < 24 * MB
