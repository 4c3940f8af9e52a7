"""Requests that are refused before they reach the runtime, each in the envelope."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.types import Message

from api.bodies import MOST_VALUES, read_json
from tests.api.conftest import NoRuntime

CONTAINERS = "/v1/containers"
FILES = "/v1/containers/cntr_1/files"


def error(response: httpx.Response, status: int) -> dict[str, Any]:
    """What the envelope holds, which has all four keys and nothing else."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body) == ["error"]
    assert sorted(body["error"]) == ["code", "message", "param", "type"]
    return dict(body["error"])


@pytest.mark.parametrize("path", ["/v1/x", "/x", "/", "/v1/containers/", "/v1/containers//files", "/v1/nothing/%00"])
async def test_unknown_url(http: httpx.AsyncClient, path: str) -> None:
    """A URL that is none of ours is a 404 that repeats it."""
    found = error(await http.post(path), 404)
    assert found["message"].startswith("Invalid URL (POST /")
    assert (found["type"], found["code"]) == ("invalid_request_error", "unknown_url")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/containers", "GET, POST"),
        ("POST", "/v1/containers/cntr_1", "GET, DELETE"),
        ("DELETE", "/v1/containers/cntr_1/files", "GET, POST"),
        ("GET", "/v1/containers/cntr_1/shell_calls/sh_1/cancel", "POST"),
        ("PUT", "/v1/skills/skill_1", "GET, POST, DELETE"),
        ("GET", "/v1/uploads", "POST"),
        ("POST", "/healthz", "GET"),
    ],
)
async def test_wrong_method(http: httpx.AsyncClient, method: str, path: str, allowed: str) -> None:
    """A wrong method is a 405 that names all the right ones."""
    response = await http.request(method, path)
    assert error(response, 405)["message"] == f"Not allowed to {method} on {path}."
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "sk-test-0123456789abcdef"])
async def test_no_key(http: httpx.AsyncClient, header: str) -> None:
    """Without a key nothing under /v1 answers."""
    response = await http.get(CONTAINERS, headers={"authorization": header})
    found = error(response, 401)
    assert found["message"].startswith("You didn't provide an API key.")
    assert found["code"] is None
    assert response.headers["www-authenticate"] == "Bearer"


async def test_wrong_key(http: httpx.AsyncClient) -> None:
    """A key that isn't known is refused, masked, before the body is looked at."""
    response = await http.post(CONTAINERS, headers={"authorization": "bearer sk-wrong"}, content=b"{")
    found = error(response, 401)
    assert found["message"].startswith("Incorrect API key provided")
    assert found["code"] == "invalid_api_key"


@pytest.mark.parametrize("path", [f"{CONTAINERS}/cntr_1", f"{FILES}/cfile_1", f"{FILES}/cfile_1/content"])
async def test_unknown_query(http: httpx.AsyncClient, path: str) -> None:
    """A query parameter where there is none to give is refused by name."""
    found = error(await http.get(path, params={"expand": "all"}), 400)
    assert found["message"] == "Unknown parameter: 'expand'."
    assert (found["param"], found["code"]) == ("expand", "unknown_parameter")


async def test_list_query(http: httpx.AsyncClient) -> None:
    """Lists check their parameters too."""
    found = error(await http.get(FILES, params={"limit": "0"}), 400)
    assert found["message"] == "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got 0 instead."


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_wrong_content_type(http: httpx.AsyncClient, content_type: str) -> None:
    """A JSON method takes JSON, and says what it was given instead."""
    headers = {"content-type": content_type} if content_type else {}
    found = error(await http.post(CONTAINERS, content=b'{"name": "n"}', headers=headers), 400)
    assert found["code"] == "unsupported_content_type"
    assert "'application/json'" in found["message"]


async def test_announced_too_large(http: httpx.AsyncClient) -> None:
    """A body that is announced too large is refused before a byte of it is read."""

    read = []

    async def body() -> AsyncIterator[bytes]:
        read.append(True)
        yield b"x"

    headers = {"content-type": "application/json", "content-length": "4097"}
    found = error(await http.post(CONTAINERS, content=body(), headers=headers), 413)
    assert found["code"] == "too_large"
    headers = {"content-type": "multipart/form-data; boundary=b", "content-length": str(10**12)}
    assert error(await http.post(FILES, content=body(), headers=headers), 413)["code"] == "too_large"
    assert not read


@pytest.mark.parametrize("path", [CONTAINERS, FILES])
async def test_chunked_too_large(http: httpx.AsyncClient, path: str) -> None:
    """A body of unknown length is read as far as the limit and no further."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 10**7:
            sent += 1000
            yield b" " * 1000

    found = error(await http.post(path, content=endless(), headers={"content-type": "application/json"}), 413)
    assert found["code"] == "too_large"
    assert sent <= 6000


@pytest.mark.parametrize("chunked", [False, True])
async def test_bodies_of_the_limits(chunked: bool) -> None:
    """A body may be just as large as is allowed, and have just as many values, however it comes."""
    body = b"[" + b"," * (MOST_VALUES - 1) + b'"a,b,c"]'

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    headers = [(b"content-type", b"application/json")]
    headers += [] if chunked else [(b"content-length", str(len(body)).encode())]
    request = Request({"type": "http", "headers": headers}, receive)
    assert await read_json(request, len(body)) == body


async def test_bad_body(http: httpx.AsyncClient) -> None:
    """What is wrong with a body comes with its parameter."""
    found = error(await http.post(CONTAINERS, json={"name": "n", "memory_limit": "3g"}), 400)
    assert (found["param"], found["code"], found["type"]) == ("memory_limit", "invalid_value", "invalid_request_error")


async def test_maximum_from_settings(http: httpx.AsyncClient) -> None:
    """The longest life of a container is the operator's to choose."""
    body = {"name": "n", "expires_after": {"anchor": "last_active_at", "minutes": 61}}
    found = error(await http.post(CONTAINERS, json=body), 400)
    assert (found["param"], found["code"]) == ("expires_after.minutes", "integer_above_max_value")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"file_id": 1}, "invalid_type"),
        ({}, "missing_required_parameter"),
    ],
)
async def test_file_by_id(http: httpx.AsyncClient, body: dict[str, Any], code: str) -> None:
    """The id of a file has to be there, and a string."""
    found = error(await http.post(FILES, json=body), 400)
    assert (found["param"], found["code"]) == ("file_id", code)


async def test_not_ready(http: httpx.AsyncClient) -> None:
    """Alive needs nothing and no key; ready needs the engine, and says that to ask again may help."""
    del http.headers["authorization"]
    assert (await http.get("/healthz")).json() == {"status": "ok"}
    response = await http.get("/readyz")
    assert error(response, 503)["code"] == "engine_unavailable"
    assert response.headers["retry-after"] == "1"


async def test_crash(http: httpx.AsyncClient, runtime: NoRuntime, caplog: pytest.LogCaptureFixture) -> None:
    """A fault of ours is a 500 that tells nothing of the inside; the log tells all of it, with the request's id."""
    runtime.broken = True
    response = await http.get("/readyz")
    found = error(response, 500)
    assert (found["type"], found["code"], found["param"]) == ("server_error", "internal_error", None)
    assert "secret" not in response.text
    assert "secret detail" in caplog.text
    assert response.headers["x-request-id"].startswith("req_")
