from __future__ import annotations

import asyncio
import hashlib
import os
import tarfile
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Literal

import pytest

from runtime.bundles.limits import MB
from runtime.errors import InvalidInput, NotFound, SandlotError
from runtime.ids import new_skill_id
from runtime.skill_mounts import SKILLS_FOLDER
from runtime.skill_values import InlineSkill, SkillReference, WantedSkill
from tests.hostile_zips import HOSTILE
from tests.memory import growth
from tests.ordinary_zips import zip_of
from tests.runtime.skill_parts import OTHER, OWNER, Files, SkillParts, folder_of, open_skills, skill_md

REFUSED_LATER_AND_LATER = ["nothing", "two top-level folders", "no front matter", "a bomb that calls itself small"]


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[SkillParts]:
    """An open service, with one skill of the operator's."""
    files = folder_of({"provided.txt": b"by the operator"}, name="Tables!")
    for path, content in files.items():
        place = tmp_path / "operators" / path.replace("top/", "openai-spreadsheets/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    async with open_skills(tmp_path, operators=tmp_path / "operators") as opened:
        yield opened


async def mounted(parts: SkillParts, wanted: Sequence[WantedSkill], owner: str = OWNER) -> dict[str, bytes]:
    """The files that `wanted` puts below a container's folder of skills; nothing of it stays in the spool."""
    async with parts.service.mountable(owner, wanted) as path:
        assert path is not None
        files = {}
        with tarfile.open(path) as tar:
            for member in tar.getmembers():
                assert (member.uid, member.gid, member.mode & 0o222) == (0, 0, 0o200 if member.isdir() else 0)
                if file := tar.extractfile(member):
                    assert member.name.startswith(f"{SKILLS_FOLDER}/")
                    files[member.name.removeprefix(f"{SKILLS_FOLDER}/")] = file.read()
    assert parts.spooled() == []
    return files


async def folders(parts: SkillParts, wanted: Sequence[WantedSkill]) -> list[str]:
    """The folders that `wanted` gets, in their order."""
    return list(dict.fromkeys(path.split("/")[0] for path in await mounted(parts, wanted)))


async def refused(parts: SkillParts, wanted: Sequence[WantedSkill]) -> SandlotError:
    """How `wanted` is refused; nothing of it stays in the spool."""
    with pytest.raises((NotFound, InvalidInput)) as caught:
        async with parts.service.mountable(OWNER, wanted):
            pass
    assert parts.spooled() == []
    return caught.value


def inline(files: Files, name: str = "inline") -> InlineSkill:
    """A skill that comes with the request."""
    return InlineSkill(name, zip_of(files))


async def test_nothing_wanted_is_nothing(parts: SkillParts) -> None:
    """No tar, and no work."""
    async with parts.service.mountable(OWNER, []) as path:
        assert path is None


async def test_a_reference_gets_a_folder_with_its_version(parts: SkillParts) -> None:
    """The bundle's own top-level folder gives way to the skill's name and number."""
    skill = await parts.create(folder_of({"docs/a b.md": b"text"}))
    assert await mounted(parts, [SkillReference(skill.id)]) == {
        "csv-tools-1/SKILL.md": skill_md(),
        "csv-tools-1/docs/a b.md": b"text",
    }


@pytest.mark.parametrize(
    ("version", "folder"), [(None, "second-2"), (1, "first-1"), (2, "second-2"), ("latest", "third-3")]
)
async def test_a_reference_means_one_version(
    parts: SkillParts, version: int | Literal["latest"] | None, folder: str
) -> None:
    """The default one, that with a number, or the latest."""
    skill = await parts.create(folder_of(name="first"))
    await parts.add(skill, folder_of(name="second"), make_default=True)
    await parts.add(skill, folder_of(name="third"))
    assert await folders(parts, [SkillReference(skill.id, version)]) == [folder]


async def test_an_inline_skill_gets_a_folder_with_its_content(parts: SkillParts) -> None:
    """The name is the request's; the number is that of the content, the same however it was zipped."""
    files = folder_of({"run.py": b"#!/bin/sh\n"})
    skill = await parts.create(files)
    content = await parts.content(await parts.service.version(OWNER, skill.id, 1))
    digest = hashlib.sha256(content).hexdigest()[:32]
    turned = dict(reversed(list(files.items())))
    for uploaded in (files, turned):
        found = await mounted(parts, [inline(uploaded, "mine")])
        assert set(found) == {f"mine-{digest}/SKILL.md", f"mine-{digest}/run.py"}


async def test_the_operators_skill(parts: SkillParts) -> None:
    """It is there for every key by its plain id, as default, latest and 1, under the name that it gives itself."""
    for version in (None, "latest", 1):
        wanted = SkillReference("openai-spreadsheets", version)
        for owner in (OWNER, OTHER):
            found = await mounted(parts, [wanted], owner)
            assert found["Tables!-1/provided.txt"] == b"by the operator"


async def test_what_is_wanted_twice_is_there_once(parts: SkillParts) -> None:
    """By whatever reference, and as the same inline skill."""
    skill = await parts.create(folder_of())
    twice: list[WantedSkill] = [
        SkillReference(skill.id),
        inline(folder_of(), "a"),
        SkillReference(skill.id, 1),
        inline(folder_of(), "a"),
        SkillReference("openai-spreadsheets"),
        SkillReference(skill.id, "latest"),
        SkillReference("openai-spreadsheets", "latest"),
        inline(folder_of(), "b"),
    ]
    found = await folders(parts, twice)
    assert [folder.rsplit("-", 1)[0] for folder in found] == ["csv-tools", "a", "Tables!", "b"]


async def test_skills_of_one_name_are_all_there(parts: SkillParts) -> None:
    """Those of one number too, and also where a name looks like a name with a number."""
    same = [await parts.create(folder_of({"which": b"%d" % number})) for number in range(3)]
    close = await parts.create(folder_of(name="csv-tools-1"))
    await parts.add(close, folder_of(name="csv-tools-1"))
    await parts.add(same[0], folder_of({"which": b"0, again"}))
    found = await mounted(
        parts,
        [
            SkillReference(same[0].id, 1),
            SkillReference(close.id, 2),
            SkillReference(same[1].id),
            SkillReference(same[0].id, 2),
            SkillReference(same[2].id),
        ],
    )
    assert {path: content for path, content in found.items() if path.endswith("which")} == {
        "csv-tools-1/which": b"0",
        "csv-tools-1-3/which": b"1",  # since csv-tools-1-2 is the second version of csv-tools-1
        "csv-tools-2/which": b"0, again",
        "csv-tools-1-4/which": b"2",
    }


async def test_names_that_no_folder_can_have(parts: SkillParts) -> None:
    """They become one folder each, in the place where skills are, and different ones stay different."""
    names = ["../../etc", "a/b", "a_b", "..", ".", "", "-rf", "a\nb", "\x00", "é" * 200, "é" * 201, "\ud800", "ﬁ", " "]
    skills = [inline(folder_of({"name": b"%d" % number}), name) for number, name in enumerate(names)]
    found = await mounted(parts, skills)
    tops = {path.split("/")[0]: content for path, content in found.items() if path.endswith("/name")}
    assert sorted(tops.values()) == sorted(b"%d" % number for number in range(len(names)))
    assert all(len(top.encode()) <= 255 and top.isprintable() and not top.startswith(".") for top in tops)
    alike = await folders(parts, [inline(folder_of(), "a/b"), inline(folder_of(), "a_b")])
    assert [folder.rsplit("-", 1)[1] for folder in alike][1] == "2"


async def test_unknown_skills_are_named_by_their_place(parts: SkillParts) -> None:
    """A skill, or a version of one, that doesn't exist; behind good ones that are already gathered."""
    skill = await parts.create(folder_of())
    good: list[WantedSkill] = [SkillReference(skill.id), inline(folder_of())]
    for wrong, message, param in (
        (SkillReference(missing := new_skill_id()), f"Skill with id '{missing}' not found.", "skill_id"),
        (SkillReference("no such slug"), "Skill with id 'no such slug' not found.", "skill_id"),
        (SkillReference(skill.id, 2), f"Version '2' of skill with id '{skill.id}' not found.", "version"),
        (
            SkillReference("openai-spreadsheets", 2),
            "Version '2' of skill with id 'openai-spreadsheets' not found.",
            "version",
        ),
        (SkillReference(skill.id, 10**30), f"Version '{10**30}' of skill with id '{skill.id}' not found.", "version"),
    ):
        error = await refused(parts, [*good, wrong, SkillReference("another")])
        assert (type(error), error.message, error.param) == (NotFound, message, f"skills[2].{param}")


@pytest.mark.parametrize(
    "name", ["nothing", "two top-level folders", "no front matter", "a bomb that calls itself small"]
)
async def test_broken_inline_skills_are_named_by_their_place(parts: SkillParts, name: str) -> None:
    """With what is wrong, in the bundle's own words."""
    error = await refused(parts, [inline(folder_of()), InlineSkill("broken", HOSTILE[name].make())])
    assert HOSTILE[name].says in error.message
    assert (type(error), error.param, error.code) == (InvalidInput, "skills[1].source.data", "invalid_skill_bundle")


async def test_a_skill_that_is_deleted_meanwhile(parts: SkillParts) -> None:
    """It is either there whole or not found, at whatever moment it goes."""
    for _ in range(20):
        skill = await parts.create(folder_of())
        ended = await asyncio.gather(
            mounted(parts, [SkillReference("openai-spreadsheets"), SkillReference(skill.id)]),
            parts.service.delete(OWNER, skill.id),
            return_exceptions=True,
        )
        if isinstance(ended[0], BaseException):
            assert isinstance(ended[0], NotFound)
        else:
            assert "csv-tools-1/SKILL.md" in ended[0]


async def test_200_skills_at_once(parts: SkillParts) -> None:
    """As many as a container may have, half of them inline, all there and each its own."""
    skills = [await parts.create(folder_of({"which": b"%d" % number})) for number in range(100)]
    references = [SkillReference(skill.id) for skill in skills]
    inlines = [inline(folder_of({"which": b"%d" % number})) for number in range(100, 200)]
    found = await mounted(parts, [*references, *inlines])
    which = sorted(int(content) for path, content in found.items() if path.endswith("which"))
    assert which == list(range(200))
    assert len(found) == 400


@pytest.mark.parametrize("make", [bytes, os.urandom])
async def test_not_more_than_a_container_gets(
    parts: SkillParts, monkeypatch: pytest.MonkeyPatch, make: Callable[[int], bytes]
) -> None:
    """All together are limited, whether their zips are as large or a thousandth of it, and with flat memory.

    The limit is a smaller one here: filling a gigabyte takes too long.
    """
    monkeypatch.setattr("runtime.skill_mounts.MAX_MOUNTED_BYTES", 50 * MB)
    skills = [await parts.create(folder_of({str(number): make(20 * MB)})) for number in range(3)]
    references = [SkillReference(skill.id) for skill in skills]
    assert len(await folders(parts, references[:2])) == 2
    with growth(os.getpid(), "too much for a container") as grown:
        error = await refused(parts, references)
    assert error.message == "The skills are larger than 50 MB (52428800 bytes), all together."
    assert (type(error), error.code) == (InvalidInput, "invalid_skill_bundle")
    assert error.param is not None
    assert error.param.startswith("skills")
    assert grown() < 24 * MB
