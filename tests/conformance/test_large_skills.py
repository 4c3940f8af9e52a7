from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import httpx
import openai
import pytest

from tests.container_skills import SKILLS, inline, reference
from tests.envelope import refusal
from tests.hostile_zips import BOMBS
from tests.memory import MIB, growth
from tests.ordinary_zips import unzipped
from tests.service import Service
from tests.shell import stdout
from tests.zips import SKILL_MD, STORED, End, Member, build

ALLOWED = 16 * MIB
FILES_MAX = 500
ZIP_MAX = 50 * MIB
FILE_MAX = 25 * MIB


@pytest.fixture
def upload(client: openai.OpenAI) -> Iterator[Callable[[object], str]]:
    """Makes skills with the official client, each by its id; they are deleted afterwards."""
    made: list[str] = []

    def create(files: object) -> str:
        made.append(client.skills.create(files=files).id)  # type: ignore[arg-type] # both forms that the client takes
        return made[-1]

    yield create
    for skill_id in made:
        client.skills.delete(skill_id)


def many(count: int) -> dict[str, bytes]:
    """That many files of a skill, its SKILL.md among them."""
    numbered = {f"csv-tools/{number % 7}/{number}": b"%d\n" % number for number in range(count - 1)}
    return {"csv-tools/SKILL.md": SKILL_MD, **numbered}


def zipped(files: dict[str, bytes]) -> tuple[str, bytes]:
    """A zip of these files, as the client uploads it."""
    return "skill.zip", build([Member(name=path, content=content) for path, content in files.items()])


def test_a_skill_of_five_hundred_files(
    client: openai.OpenAI, http: httpx.Client, upload: Callable[[object], str]
) -> None:
    """500 files, sent one by one or as a zip, are a skill, and all in the container; 501 are a 400 that says so."""
    files = many(FILES_MAX)
    ids = [upload(list(files.items())), upload(zipped(files))]
    assert [unzipped(client.skills.content.retrieve(skill_id).read()) for skill_id in ids] == [files, files]

    wanted = [reference(skill_id) for skill_id in ids]
    container = http.post("/containers", json={"name": "x", "skills": wanted}).raise_for_status().json()
    numbers = stdout(http, container["id"], f"cat {SKILLS}/csv-tools-1*/?/* | sort -n | uniq -c")
    assert numbers.split() == [text for number in range(FILES_MAX - 1) for text in ("2", str(number))]
    http.delete(f"/containers/{container['id']}").raise_for_status()

    more = many(FILES_MAX + 1)
    for beyond in (list(more.items()), zipped(more)):
        with pytest.raises(openai.BadRequestError, match=f"at most {FILES_MAX}"):
            upload(beyond)


def test_a_skill_of_fifty_megabytes(service: Service, client: openai.OpenAI, upload: Callable[[object], str]) -> None:
    """A zip of exactly 50 MB, a file of 25 MB in it, comes back whole; one byte more is a 400 that names the limit."""
    around = len(build([Member(name=name, method=STORED) for name in ("a/SKILL.md", "a/1", "a/2")])) + len(SKILL_MD)
    files = {"a/SKILL.md": SKILL_MD, "a/1": os.urandom(FILE_MAX), "a/2": os.urandom(ZIP_MAX - FILE_MAX - around)}
    members = [Member(name=path, content=content, method=STORED) for path, content in files.items()]
    content = build(members)
    assert len(content) == ZIP_MAX
    with growth(service.pid, "a skill of 50 MB up and down") as grown:
        back = client.skills.content.retrieve(upload(("skill.zip", content))).read()
    assert unzipped(back) == files
    assert grown() < ALLOWED
    with pytest.raises(openai.BadRequestError, match="50 MB"):
        upload(("skill.zip", build(members, End(comment=b"x"))))


def test_a_file_of_twenty_five_megabytes(client: openai.OpenAI, upload: Callable[[object], str]) -> None:
    """A file of exactly 25 MB comes back whole, by itself or in a zip; one byte more is a 400 that names the limit."""
    files = {"a/SKILL.md": SKILL_MD, "a/zeros": bytes(FILE_MAX)}
    more = {**files, "a/zeros": bytes(FILE_MAX + 1)}
    for form in (lambda folder: list(folder.items()), zipped):
        assert unzipped(client.skills.content.retrieve(upload(form(files))).read()) == files
        with pytest.raises(openai.BadRequestError, match="25 MB"):
            upload(form(more))


@pytest.mark.parametrize("case", BOMBS)
def test_a_bomb_costs_no_memory(service: Service, http: httpx.Client, case: str) -> None:
    """However much a zip would be unpacked, it is a 400, in a skill or a container, for which memory stays flat."""
    bomb = BOMBS[case]()
    with growth(service.pid, f"a bomb, {case}") as grown:
        error = refusal(http.post("/skills", files={"files": ("skill.zip", bomb)}), 400)
    assert (error["param"], error["code"]) == ("files", "invalid_skill_bundle")
    assert grown() < ALLOWED
    if len(bomb) < MIB:
        with growth(service.pid, "the same in a container") as grown:
            body = {"name": "x", "skills": [inline("bomb", bomb)]}
            error = refusal(http.post("/containers", json=body), 400)
        assert (error["param"], error["code"]) == ("skills[0].source.data", "invalid_skill_bundle")
        assert grown() < ALLOWED
