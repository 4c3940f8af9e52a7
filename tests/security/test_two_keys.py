from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import httpx
import pytest
from starlette import routing

from api.app import create_app
from runtime import ids
from tests.container_skills import reference, skill_zip, uploaded
from tests.envelope import refusal
from tests.service import Service
from tests.shell import Json, call, stdout

Ids: TypeAlias = Mapping[str, Mapping[str, str]]
"""The ids of some things: by the resource that routes begin with, then by the name that they have in routes."""


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the application, its path without `/v1`."""

    method: str
    path: str

    @property
    def resource(self) -> str:
        """What its path begins with."""
        return self.path.split("/")[1]

    @property
    def lists(self) -> bool:
        """Whether it answers with a list."""
        return self.method == "GET" and not self.path.endswith(("}", "/content", "/events"))

    def ask(self, client: httpx.Client, of: Ids, **fields: Any) -> httpx.Response:
        """Send it a request of these things."""
        return client.request(self.method, self.path.format(**of[self.resource]), **fields)


ROUTES = [
    Route(method, route.path.removeprefix("/v1"))
    for route in create_app().routes
    if isinstance(route, routing.Route) and route.path.startswith("/v1/")
    for method in route.methods or ()
]
OF_A_THING = [route for route in ROUTES if "{" in route.path]
LISTS = [route for route in ROUTES if route.lists]

# What a stranger may send to each route of a thing that takes something.
SENT: dict[str, list[dict[str, Any]]] = {
    "/containers/{container_id}/files": [{"files": {"file": ("a", b"planted")}}, {"json": {"file_id": "file-1"}}],
    "/containers/{container_id}/shell_calls": [
        {"json": {"commands": ["rm -rf /mnt/data"], **form}} for form in ({}, {"stream": True}, {"background": True})
    ],
    "/containers/{container_id}/shell_calls/{call_id}/cancel": [{}],
    "/uploads/{upload_id}/parts": [{"files": {"data": b"planted"}}],
    "/uploads/{upload_id}/complete": [{"json": {"part_ids": ["part_1"]}}],
    "/uploads/{upload_id}/cancel": [{}],
    "/skills/{skill_id}": [{"json": {"default_version": "2"}}],
    "/skills/{skill_id}/versions": [{"files": {"files": ("a.zip", skill_zip("planted"))}}],
}

# The id by which each list goes on, as it is called in Ids.
CURSORS = {
    "/containers": "container_id",
    "/containers/{container_id}/files": "file_id",
    "/containers/{container_id}/egress": "egress_id",
    "/files": "file_id",
    "/skills": "skill_id",
    "/skills/{skill_id}/versions": "version_id",
}


def made(http: httpx.Client) -> Ids:
    """One thing of each kind, in a state in which all can be done with it."""
    policy = {"type": "allowlist", "allowed_domains": ["secret.example.com"]}
    container = post(http, "/containers", json={"name": "secret", "network_policy": policy})["id"]
    upload = post(
        http, "/uploads", json={"filename": "a", "purpose": "user_data", "bytes": 6, "mime_type": "text/plain"}
    )["id"]
    skill = uploaded(http, skill_zip("secret"))
    uploaded(http, skill_zip("secret"), skill)
    form: dict[str, Any] = {"files": {"file": ("secret.txt", b"secret")}}
    return {
        "containers": {
            "container_id": container,
            "file_id": post(http, f"/containers/{container}/files", **form)["id"],
            "call_id": call(http, container, "getent hosts tried.example.com")["id"],
            "egress_id": http.get(f"/containers/{container}/egress").json()["first_id"],
        },
        "files": {"file_id": post(http, "/files", data={"purpose": "user_data"}, **form)["id"]},
        "uploads": {
            "upload_id": upload,
            "part_id": post(http, f"/uploads/{upload}/parts", files={"data": b"secret"})["id"],
        },
        "skills": {
            "skill_id": skill,
            "version_id": http.get(f"/skills/{skill}/versions/1").json()["id"],
            "version": "1",
        },
    }


def post(http: httpx.Client, path: str, **fields: Any) -> Json:
    """What a POST that has to succeed answers."""
    answer: Json = http.post(path, **fields).raise_for_status().json()
    return answer


@pytest.fixture
def mine(http: httpx.Client) -> Iterator[Ids]:
    """The things of the service's own key, that another is after."""
    things = made(http)
    yield things
    http.delete(f"/containers/{things['containers']['container_id']}").raise_for_status()


@pytest.fixture
def theirs(stranger: httpx.Client) -> Iterator[Ids]:
    """The other key's own things. In the end it has no container left, not even one that it should not have got."""
    things = made(stranger)
    yield things
    for container in stranger.get("/containers").json()["data"]:
        stranger.delete(f"/containers/{container['id']}").raise_for_status()


@pytest.fixture
def nobodys() -> Ids:
    """Ids of things that never were."""
    return {
        "containers": {
            "container_id": ids.new_container_id(),
            "file_id": ids.new_container_file_id(),
            "call_id": ids.new_shell_call_id(),
            "egress_id": ids.new_egress_id(),
        },
        "files": {"file_id": ids.new_file_id()},
        "uploads": {"upload_id": ids.new_upload_id(), "part_id": ids.new_part_id()},
        "skills": {"skill_id": ids.new_skill_id(), "version_id": ids.new_skill_version_id(), "version": "1"},
    }


def in_a_container(outer: Ids, inner: Ids) -> Ids:
    """The container of `outer`, with the ids of what is in the one of `inner`."""
    return {"containers": {**inner["containers"], "container_id": outer["containers"]["container_id"]}}


def told(response: httpx.Response, of: Ids, status: int = 404) -> str:
    """What a refusal says, with the names of ids in their places."""
    text = json.dumps(refusal(response, status))
    for things in of.values():
        for name, value in things.items():
            text = text.replace(value, name)
    return text


def seen(http: httpx.Client, things: Ids) -> list[str]:
    """All that can be read of the things by their owner; reading a container is a use of it, which is left out."""
    answers = [route.ask(http, things) for route in OF_A_THING if route.method == "GET"]
    return [re.sub(r'"last_active_at":\d+', "", answer.raise_for_status().text) for answer in answers]


def test_anothers_things_do_not_exist(
    http: httpx.Client, stranger: httpx.Client, mine: Ids, theirs: Ids, nobodys: Ids
) -> None:
    """With another key, every route of a thing answers exactly as if it had never been, and leaves it as it is."""
    before = seen(http, mine)
    assert SENT.keys() == {route.path for route in OF_A_THING if route.method not in ("GET", "DELETE")}
    for route in OF_A_THING:
        wanted = [(mine, nobodys)]
        if route.path.startswith("/containers/") and route.path.count("{") == 2:
            wanted.append((in_a_container(theirs, mine), in_a_container(theirs, nobodys)))
        for fields in SENT[route.path] if route.method == "POST" else [{}]:
            for known, unknown in wanted:
                answer = told(route.ask(stranger, known, **fields), known)
                assert answer == told(route.ask(stranger, unknown, **fields), unknown), route
    assert seen(http, mine) == before
    upload, part = mine["uploads"].values()
    assert post(http, f"/uploads/{upload}/complete", json={"part_ids": [part]})["file"]["bytes"] == len("secret")


def test_anothers_things_are_not_listed(stranger: httpx.Client, mine: Ids, theirs: Ids, nobodys: Ids) -> None:
    """Lists have nothing of another key, and no id of another key's is a place in one."""
    assert CURSORS.keys() == {route.path for route in LISTS}
    foreign = {value for things in mine.values() for name, value in things.items() if name != "version"}
    for route in LISTS:
        cursor = CURSORS[route.path]
        listed = {item["id"] for item in route.ask(stranger, theirs).raise_for_status().json()["data"]}
        assert theirs[route.resource][cursor] in listed
        assert not listed & foreign
        answer, expected = (
            told(route.ask(stranger, theirs, params={"after": of[route.resource][cursor]}), of)
            for of in (mine, nobodys)
        )
        assert answer == expected, route


def test_anothers_things_can_not_be_referred_to(
    stranger: httpx.Client, service: Service, mine: Ids, theirs: Ids, nobodys: Ids
) -> None:
    """With another key, files, skills and parts can't be put into anything: they answer as if they had never been."""

    def requests(of: Ids) -> list[tuple[str, Json, int, str]]:
        file, skill, part = of["files"]["file_id"], of["skills"]["skill_id"], of["uploads"]["part_id"]
        container, upload = theirs["containers"]["container_id"], theirs["uploads"]["upload_id"]
        return [
            ("/containers", {"name": "x", "file_ids": [file]}, 404, "file_ids[0]"),
            ("/containers", {"name": "x", "skills": [reference(skill)]}, 404, "skills[0].skill_id"),
            ("/containers", {"name": "x", "skills": [reference(skill, 1)]}, 404, "skills[0].skill_id"),
            (f"/containers/{container}/files", {"file_id": file}, 404, "file_id"),
            (f"/uploads/{upload}/complete", {"part_ids": [part]}, 400, "part_ids[0]"),
        ]

    before = service.engine_containers()
    for (path, body, status, param), (_, unknown, *_) in zip(requests(mine), requests(nobodys), strict=True):
        answer = stranger.post(path, json=body)
        assert refusal(answer, status)["param"] == param
        assert told(answer, mine, status) == told(stranger.post(path, json=unknown), nobodys, status)
    assert service.engine_containers() == before
    assert stdout(stranger, theirs["containers"]["container_id"], "ls -A") == "secret.txt\n"
