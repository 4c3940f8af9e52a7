from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import openai
import pytest

from tests.envelope import refusal
from tests.hostile_zips import HOSTILE
from tests.multipart_requests import END, TYPE, field, file
from tests.zips import SKILL_MD, skill

pytestmark = pytest.mark.usefixtures("nothing_stored", "skill_id")

NO_SKILL = "skill_" + "0" * 48
GOOD = file("files[]", "csv-tools/SKILL.md", SKILL_MD)
MB = 1024**2


@pytest.fixture(scope="module")
def skill_id(client: openai.OpenAI) -> Iterator[str]:
    """A skill with one version, for all tests of this module: none of them changes it."""
    made = client.skills.create(files=("a.zip", skill({})))
    yield made.id
    assert client.skills.retrieve(made.id) == made
    assert [version.version for version in client.skills.versions.list(made.id)] == ["1"]
    client.skills.delete(made.id)


# A form's parts, and the param and code of what is wrong with it.
FORMS: dict[str, tuple[list[bytes], str, str]] = {
    "nothing": ([], "files", "missing_required_parameter"),
    "no file": ([field("default", "true")], "files", "missing_required_parameter"),
    "a field for a file": ([field("files", "x")], "files", "invalid_type"),
    "a file without a name": ([file("files[]", "")], "files", "empty_string"),
    "numbered files": ([file("files[0]", "csv-tools/SKILL.md", SKILL_MD)], "files[0]", "unknown_parameter"),
    "another field": ([GOOD, field("name", "x")], "name", "unknown_parameter"),
    "another field first": ([field("name", "x"), GOOD], "name", "unknown_parameter"),
    "two defaults": ([field("default", "true"), GOOD, field("default", "true")], "default", "duplicate_parameter"),
    "a default that is none": ([GOOD, field("default", "maybe")], "default", "invalid_type"),
    "no SKILL.md": ([file("files[]", "csv-tools/a", b"a")], "files", "invalid_skill_bundle"),
    "two zips": (
        [file("files", "a.zip", skill({})), file("files", "b.zip", skill({}))],
        "files",
        "invalid_skill_bundle",
    ),
    "a path upwards": ([GOOD, file("files[]", "csv-tools/../x")], "files", "invalid_skill_bundle"),
    "the same file twice": ([GOOD, GOOD], "files", "invalid_skill_bundle"),
    "no end": ([GOOD, b"--b"], "files", "invalid_multipart"),
}


@pytest.mark.parametrize("case", FORMS)
def test_a_bad_skill_names_its_fault(http: httpx.Client, skill_id: str, case: str) -> None:
    """Whatever is wrong with the form of a version is a 400 with param and code, and keeps nothing."""
    parts, param, code = FORMS[case]
    content = b"".join([*parts, b"" if case == "no end" else END])
    response = http.post(f"/skills/{skill_id}/versions", content=content, headers={"content-type": TYPE})
    error = refusal(response, 400)
    assert (error["param"], error["code"]) == (param, code)


def test_a_first_version_is_always_the_default(http: httpx.Client) -> None:
    """`default` is a parameter of new versions alone: a new skill refuses it."""
    content = field("default", "true") + GOOD + END
    error = refusal(http.post("/skills", content=content, headers={"content-type": TYPE}), 400)
    assert (error["param"], error["code"]) == ("default", "unknown_parameter")


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_zip_is_refused(http: httpx.Client, case: str) -> None:
    """Bombs, links, paths upwards, lies and all else that is no skill are a 400 that says why, and keep nothing."""
    error = refusal(http.post("/skills", files={"files": ("skill.zip", HOSTILE[case].make())}), 400)
    assert HOSTILE[case].says in error["message"]
    assert (error["param"], error["code"]) == ("files", "invalid_skill_bundle")


@pytest.mark.parametrize(
    ("parts", "limit"),
    [
        ([file("files", "a.zip", bytes(50 * MB + 1))], "50 MB"),
        ([file("files[]", "csv-tools/a", bytes(25 * MB + 1))], "25 MB"),
        ([GOOD, *[file("files[]", f"csv-tools/{number}", b"") for number in range(500)]], "500"),
    ],
)
def test_a_skill_beyond_a_limit_is_refused(http: httpx.Client, parts: list[bytes], limit: str) -> None:
    """A zip of more than 50 MB, a file of more than 25 MB and more than 500 files are a 400 that names the limit."""
    response = http.post("/skills", content=b"".join([*parts, END]), headers={"content-type": TYPE})
    assert limit in refusal(response, 400)["message"]


@pytest.mark.parametrize("content_type", ["application/json", "application/zip", None])
def test_a_skill_comes_as_a_form(http: httpx.Client, skill_id: str, content_type: str | None) -> None:
    """Skills are taken as multipart/form-data alone."""
    headers = {"content-type": content_type} if content_type else {}
    for path in ("/skills", f"/skills/{skill_id}/versions"):
        error = refusal(http.post(path, content=b'{"files": []}', headers=headers), 400)
        assert error["code"] == "unsupported_content_type"


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({}, "default_version", "missing_required_parameter"),
        ({"default_version": "latest"}, "default_version", "invalid_value"),
        ({"default_version": ""}, "default_version", "invalid_value"),
        ({"default_version": "01"}, "default_version", "invalid_value"),
        ({"default_version": 0}, "default_version", "invalid_value"),
        ({"default_version": 1.0}, "default_version", "invalid_value"),
        ({"default_version": True}, "default_version", "invalid_value"),
        ({"default_version": "1", "name": "x"}, "name", "unknown_parameter"),
    ],
)
def test_a_bad_update_names_its_field(
    http: httpx.Client, skill_id: str, body: dict[str, Any], param: str, code: str
) -> None:
    """Whatever is wrong with an update is a 400 that names the field."""
    error = refusal(http.post(f"/skills/{skill_id}", json=body), 400)
    assert (error["param"], error["code"]) == (param, code)


@pytest.mark.parametrize("unknown", [NO_SKILL, "x", "skill_", NO_SKILL.upper(), "..\\skills", "\0", "💥", "x" * 900])
def test_an_unknown_skill_is_not_found(http: httpx.Client, unknown: str) -> None:
    """An id of no skill, whatever its form, is a 404 in the envelope on every route."""
    path = f"/skills/{quote(unknown, safe='')}"
    routes = [("GET", ""), ("DELETE", ""), ("GET", "/content"), ("GET", "/versions")]
    one = [("GET", "/versions/1"), ("DELETE", "/versions/1"), ("GET", "/versions/1/content")]
    for method, suffix in [*routes, *one]:
        message = refusal(http.request(method, path + suffix), 404)["message"]
        assert message == f"Skill with id '{unknown}' not found."
    refusal(http.post(path, json={"default_version": "1"}), 404)
    refusal(http.post(f"{path}/versions", files={"files": ("a.zip", skill({}))}), 404)


@pytest.mark.parametrize("version", ["0", "2", "-1", "01", "1.0", "latest", "x", "9" * 30, "9" * 900, "\0", "💥"])
def test_an_unknown_version_is_not_found(http: httpx.Client, skill_id: str, version: str) -> None:
    """The number of no version, whatever its form, is a 404 in the envelope on every route."""
    path = f"/skills/{skill_id}/versions/{quote(version, safe='')}"
    for method, suffix in [("GET", ""), ("DELETE", ""), ("GET", "/content")]:
        message = refusal(http.request(method, path + suffix), 404)["message"]
        assert message == f"Version '{version}' of skill with id '{skill_id}' not found."


@pytest.mark.parametrize("route", ["/skills", "/skills/{}/versions"])
@pytest.mark.parametrize(
    ("query", "param", "code"),
    [
        ("limit=-1", "limit", "integer_below_min_value"),
        ("limit=101", "limit", "integer_above_max_value"),
        ("order=up", "order", "invalid_value"),
        ("name=x", "name", "unknown_parameter"),
    ],
)
def test_a_bad_query_for_skills_names_its_parameter(
    http: httpx.Client, skill_id: str, route: str, query: str, param: str, code: str
) -> None:
    """Whatever is wrong with the query of a list of skills or versions is a 400 with param and code."""
    error = refusal(http.get(f"{route.format(skill_id)}?{query}"), 400)
    assert (error["param"], error["code"]) == (param, code)


@pytest.mark.parametrize("route", ["/skills", "/skills/{}/versions"])
@pytest.mark.parametrize("after", ["", "x", NO_SKILL, "skillver_" + "0" * 48, "\0"])
def test_an_unknown_cursor_for_skills_is_refused(http: httpx.Client, skill_id: str, route: str, after: str) -> None:
    """An `after` that is the id of nothing in the list is a 404, never a silent first page."""
    refusal(http.get(route.format(skill_id), params={"after": after}), 404)
