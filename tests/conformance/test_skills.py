from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx
import openai
import pytest
from openai.types import Skill

from tests.envelope import refusal
from tests.ordinary_zips import unzipped, zip_of

FILES = {
    "csv-tools/SKILL.md": b"---\nname: csv-tools\ndescription: Reads tables.\n---\nRead them.\n",
    "csv-tools/scripts/read.py": b"#!/usr/bin/env python3\nprint(1)\n",
    "csv-tools/docs/Übersicht 数据.md": b"",
}


def made(client: openai.OpenAI, files: Mapping[str, bytes] | None = None) -> Skill:
    """A new skill, uploaded as a folder."""
    return client.skills.create(files=list((files or FILES).items()))


def described(description: str) -> bytes:
    """A zip of a skill with that description."""
    front_matter = f"---\nname: csv-tools\ndescription: {description}\n---\n"
    return zip_of({"csv-tools/SKILL.md": front_matter.encode()})


def versioned(client: openai.OpenAI, count: int) -> Skill:
    """A skill with that many versions, `v1` being the description of the first."""
    skill = client.skills.create(files=("v1.zip", described("v1")))
    for number in range(2, count + 1):
        client.skills.versions.create(skill.id, files=(f"v{number}.zip", described(f"v{number}")))
    return client.skills.retrieve(skill.id)


def test_a_skill_as_it_is_made(http: httpx.Client) -> None:
    """A create answers with OpenAI's object and nothing else; retrieve and list give the same."""
    parts = [("files[]", (path, content)) for path, content in FILES.items()]
    skill: dict[str, Any] = http.post("/skills", files=parts).raise_for_status().json()
    assert re.fullmatch(r"skill_[0-9a-f]{48}", skill["id"])
    assert skill == {
        "id": skill["id"],
        "object": "skill",
        "created_at": skill["created_at"],
        "name": "csv-tools",
        "description": "Reads tables.",
        "default_version": "1",
        "latest_version": "1",
    }
    assert http.get(f"/skills/{skill['id']}").json() == skill
    assert skill in http.get("/skills").json()["data"]


def test_a_version_as_it_is_made(client: openai.OpenAI, http: httpx.Client) -> None:
    """A version's object has OpenAI's fields and nothing else; retrieve and list give the same."""
    skill = made(client)
    path = f"/skills/{skill.id}/versions"
    version: dict[str, Any] = http.post(path, files={"files": ("a.zip", described("More."))}).raise_for_status().json()
    assert re.fullmatch(r"skillver_[0-9a-f]{48}", version["id"])
    assert version == {
        "id": version["id"],
        "object": "skill.version",
        "skill_id": skill.id,
        "version": "2",
        "created_at": version["created_at"],
        "name": "csv-tools",
        "description": "More.",
    }
    assert http.get(f"{path}/2").json() == version
    assert http.get(path).json()["data"][0] == version


def test_a_folder_comes_back_as_a_zip(client: openai.OpenAI) -> None:
    """With the official client: a folder goes up file by file and comes down as a zip of the same files."""
    skill = made(client)
    response = client.skills.content.retrieve(skill.id)
    assert unzipped(response.read()) == FILES
    assert response.response.headers["content-type"] == "application/zip"
    assert response.response.headers["content-disposition"].startswith('attachment; filename="csv-tools-1.zip"')
    assert response.response.headers["x-content-type-options"] == "nosniff"


def test_the_same_bundle_is_the_same_zip(client: openai.OpenAI) -> None:
    """However the same files are uploaded, as a folder or a zip and in any order, their zip has the same bytes."""
    backwards = dict(reversed(FILES.items()))
    ways = [
        client.skills.create(files=list(FILES.items())),
        client.skills.create(files=list(backwards.items())),
        client.skills.create(files=("skill.zip", zip_of(FILES))),
        client.skills.create(files=[("skill.zip", zip_of(backwards))]),
    ]
    assert len({client.skills.content.retrieve(skill.id).read() for skill in ways}) == 1


def test_a_new_version_is_the_default_only_if_asked_for(client: openai.OpenAI) -> None:
    """A skill stays as its default version is; `default` makes a new one that, and update any."""
    skill = versioned(client, 2)
    assert (skill.default_version, skill.latest_version, skill.description) == ("1", "2", "v1")
    client.skills.versions.create(skill.id, files=("v3.zip", described("v3")), default=True)
    skill = client.skills.retrieve(skill.id)
    assert (skill.default_version, skill.latest_version, skill.description) == ("3", "3", "v3")
    skill = client.skills.update(skill.id, default_version="2")
    assert (skill.default_version, skill.latest_version, skill.description) == ("2", "3", "v2")
    assert client.skills.retrieve(skill.id) == skill


def test_a_version_may_be_given_as_a_number(client: openai.OpenAI, http: httpx.Client) -> None:
    """`default_version` may be a JSON number; the answer has a string."""
    skill = versioned(client, 2)
    updated = http.post(f"/skills/{skill.id}", json={"default_version": 2}).raise_for_status().json()
    assert updated["default_version"] == "2"


def test_each_version_has_its_content(client: openai.OpenAI) -> None:
    """Every version is downloaded by its number, the default one also as the skill's content."""
    skill = versioned(client, 3)
    for number in "123":
        content = client.skills.versions.content.retrieve(number, skill_id=skill.id).read()
        assert b"description: v" + number.encode() in unzipped(content)["csv-tools/SKILL.md"]
        client.skills.update(skill.id, default_version=number)
        assert client.skills.content.retrieve(skill.id).read() == content


def test_the_default_version_is_deleted_last(client: openai.OpenAI, http: httpx.Client) -> None:
    """The default can't be deleted while there are others; with the last version the skill is gone."""
    skill = versioned(client, 2)
    error = refusal(http.delete(f"/skills/{skill.id}/versions/1"), 400)
    assert error["message"] == "You can't delete the default version; set another default first."
    second = client.skills.versions.retrieve("2", skill_id=skill.id)
    assert client.skills.versions.delete("2", skill_id=skill.id).to_dict() == {
        "id": second.id,
        "object": "skill.version.deleted",
        "deleted": True,
        "version": "2",
    }
    client.skills.versions.delete("1", skill_id=skill.id)
    refusal(http.get(f"/skills/{skill.id}"), 404)


def test_a_number_is_never_used_again(client: openai.OpenAI) -> None:
    """A version that comes after a deleted one has a number of its own."""
    skill = versioned(client, 3)
    client.skills.versions.delete("3", skill_id=skill.id)
    assert client.skills.retrieve(skill.id).latest_version == "2"
    assert client.skills.versions.create(skill.id, files=("v4.zip", described("v4"))).version == "4"


def test_a_deleted_skill_is_gone(client: openai.OpenAI, http: httpx.Client) -> None:
    """A deleted skill says so once; from then on every route of it and of its versions is a 404."""
    skill = versioned(client, 2)
    assert client.skills.delete(skill.id).to_dict() == {"id": skill.id, "object": "skill.deleted", "deleted": True}
    for path in ("", "/content", "/versions", "/versions/1", "/versions/2/content"):
        message = refusal(http.get(f"/skills/{skill.id}{path}"), 404)["message"]
        assert message == f"Skill with id '{skill.id}' not found."
    refusal(http.delete(f"/skills/{skill.id}"), 404)
    refusal(http.post(f"/skills/{skill.id}/versions", files={"files": ("a.zip", described("a"))}), 404)
    assert skill.id not in [other.id for other in client.skills.list()]


def test_skills_page(client: openai.OpenAI) -> None:
    """The official client pages through skills by itself, in both orders, and misses or doubles none."""
    ids = {versioned(client, 1).id for _ in range(7)}
    up = [skill.id for skill in client.skills.list(order="asc", limit=3)]
    down = [skill.id for skill in client.skills.list(limit=2)]
    assert up == down[::-1]
    assert ids <= set(up)
    assert len(set(up)) == len(up)


def test_versions_page_by_their_numbers(client: openai.OpenAI) -> None:
    """Versions are listed by their numbers, the newest first; `after` is a version's id."""
    skill = versioned(client, 11)
    numbers = [str(number) for number in range(1, 12)]
    assert [each.version for each in client.skills.versions.list(skill.id, order="asc", limit=4)] == numbers
    assert [each.version for each in client.skills.versions.list(skill.id, limit=3)] == numbers[::-1]
    ninth = client.skills.versions.retrieve("9", skill_id=skill.id)
    after = client.skills.versions.list(skill.id, order="asc", after=ninth.id)
    assert [each.version for each in after] == ["10", "11"]


@pytest.mark.parametrize("route", ["/skills", "/skills/{}/versions"])
def test_a_page_may_be_empty(client: openai.OpenAI, http: httpx.Client, route: str) -> None:
    """A `limit` of 0 gives a page without anything on it, which says that there is more."""
    path = route.format(versioned(client, 1).id)
    page = http.get(path, params={"limit": 0}).raise_for_status().json()
    assert page == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": True}
    assert len(http.get(path, params={"limit": 100}).raise_for_status().json()["data"]) >= 1
