"""What holds for every route below /v1."""

from __future__ import annotations

import httpx
import pytest
from starlette.routing import Route

from api.app import create_app
from tests.envelope import refusal

ROUTES = [
    (method, route.path)
    for route in create_app().routes
    if isinstance(route, Route) and route.path.startswith("/v1/")
    for method in route.methods or ()
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_a_key_is_wanted(http: httpx.AsyncClient, method: str, path: str) -> None:
    """Without a key there is no answer, whatever else is wrong with the request."""
    refusal(await http.request(method, path, params={"expand": "all"}, headers={"authorization": ""}), 401)


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_unknown_queries_are_refused(http: httpx.AsyncClient, method: str, path: str) -> None:
    """A query parameter that the route doesn't know is refused by name, before a body is looked at."""
    found = refusal(await http.request(method, path, params={"expand": "all"}), 400)
    assert (found["param"], found["code"]) == ("expand", "unknown_parameter")


@pytest.mark.parametrize("path", [path for method, path in ROUTES if method == "GET"])
async def test_no_head(http: httpx.AsyncClient, path: str) -> None:
    """A HEAD isn't answered like a GET: what would be sent for that would have to be made first."""
    assert (await http.head(path)).status_code == 405
