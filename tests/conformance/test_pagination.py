from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import httpx
import openai
import pytest
from openai.types import ContainerCreateResponse as Container


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_every_record_comes_once_and_in_order(
    client: openai.OpenAI, crowd: list[str], order: Literal["asc", "desc"]
) -> None:
    """The official client pages through 250 containers by itself, in both orders, and misses or doubles none."""
    found = [container.id for container in client.containers.list(order=order)]
    assert [container_id for container_id in found if container_id in set(crowd)] == crowd[
        :: 1 if order == "asc" else -1
    ]


def test_newest_first_by_default(client: openai.OpenAI, crowd: list[str]) -> None:
    """Lists begin with what was made last, and a page has 20."""
    page = client.containers.list(name="odd")
    assert [container.id for container in page.data] == crowd[:-40:-2]
    assert page.has_more is True


def test_a_name_filters_exactly(client: openai.OpenAI, crowd: list[str]) -> None:
    """`name` lists the containers of exactly that name, over all pages."""
    assert [container.id for container in client.containers.list(name="even", order="asc", limit=7)] == crowd[::2]
    assert client.containers.list(name="eve").data == []
    assert client.containers.list(name="EVEN").data == []


def test_the_envelope_tells_where_a_page_begins_and_ends(http: httpx.Client, crowd: list[str]) -> None:
    """A page says its first and last id and whether there is more; the page after the last is empty."""
    page = http.get("/containers", params={"name": "even", "order": "asc", "limit": 100}).json()
    assert page.keys() == {"object", "data", "first_id", "last_id", "has_more"}
    assert (page["object"], page["first_id"], page["last_id"], page["has_more"]) == ("list", crowd[0], crowd[198], True)
    rest = http.get("/containers", params={"name": "even", "order": "asc", "limit": 100, "after": crowd[198]}).json()
    assert ([item["id"] for item in rest["data"]], rest["has_more"]) == (crowd[200::2], False)
    empty = http.get("/containers", params={"name": "even", "order": "asc", "after": crowd[248]}).json()
    assert empty == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}


def test_a_cursor_may_be_of_another_name(http: httpx.Client, crowd: list[str]) -> None:
    """`after` is a place in the list of all containers, whatever the filter."""
    page = http.get("/containers", params={"name": "even", "order": "asc", "limit": 1, "after": crowd[1]}).json()
    assert page["first_id"] == crowd[2]


@pytest.mark.parametrize("things", ["files", "skills", "containers", "container files"])
def test_a_list_can_be_deleted_as_it_is_read(client: openai.OpenAI, container: Container, things: str) -> None:
    """The official client can delete everything that a list has while it pages through it."""
    make, list_, delete = ways(client, container.id)[things]
    made = {make().id for _ in range(5)}
    for item in list_():
        delete(item.id)
        made.discard(item.id)
    assert made == set()
    assert list(list_()) == []


def ways(client: openai.OpenAI, container_id: str) -> Mapping[str, Sequence[Callable[..., Any]]]:
    """How things of each kind are made, listed and deleted."""
    skill = ("s/SKILL.md", b"---\nname: s\ndescription: d\n---\n")
    files = client.containers.files
    return {
        "files": (
            partial(client.files.create, file=("a", b"a"), purpose="user_data"),
            partial(client.files.list, limit=2),
            client.files.delete,
        ),
        "skills": (
            partial(client.skills.create, files=[skill]),
            partial(client.skills.list, limit=2),
            client.skills.delete,
        ),
        "containers": (
            partial(client.containers.create, name="to go"),
            partial(client.containers.list, limit=2, name="to go"),
            client.containers.delete,
        ),
        "container files": (
            partial(files.create, container_id, file=("a", b"a")),
            partial(files.list, container_id, limit=2),
            partial(files.delete, container_id=container_id),
        ),
    }
