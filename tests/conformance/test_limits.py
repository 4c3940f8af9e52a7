from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection

import httpx
import pytest

from tests.envelope import refusal
from tests.memory import MIB, growth
from tests.service import Service
from tests.shell import stdout

FILE_MAX = 2 * MIB
REQUEST_MAX = 4096
CONTAINER_REQUEST_MAX = MIB

HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
MULTIPART = "multipart/form-data; boundary=b"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose operator allows little."""
    settings = {
        "FILE_MAX_BYTES": str(FILE_MAX),
        "REQUEST_MAX_BYTES": str(REQUEST_MAX),
        "CONTAINER_REQUEST_MAX_BYTES": str(CONTAINER_REQUEST_MAX),
        "EXPIRES_AFTER_MAX_MINUTES": "5",
        "API_KEY": "sk-chosen-by-the-operator",
    }
    with Service(tmp_path_factory.mktemp("strict"), settings) as running:
        yield running


@pytest.fixture(scope="module")
def strict_http(strict: Service) -> Iterator[httpx.Client]:
    """A client of it."""
    with strict.http() as connected:
        yield connected


@pytest.fixture(scope="module")
def container_id(strict_http: httpx.Client) -> str:
    """A container of it."""
    return str(strict_http.post("/containers", json={"name": "strict"}).raise_for_status().json()["id"])


def endless(first: bytes, piece: bytes) -> Iterator[bytes]:
    """A body that never ends by itself; 200 MiB stand for it."""
    yield first
    for _ in range(200 * MIB // len(piece)):
        yield piece


@pytest.mark.parametrize(
    ("route", "content_type"),
    [
        ("/containers", "application/json"),
        ("/containers/{}/shell_calls", "application/json"),
        ("/containers/{}/files", "application/json"),
        ("/containers/{}/files", MULTIPART),
    ],
)
def test_an_announced_size_is_refused_unread(strict: Service, container_id: str, route: str, content_type: str) -> None:
    """A body that says it is too large is a 413 before one byte of it is sent."""
    connection = HTTPConnection("127.0.0.1", strict.port, timeout=30)
    try:
        connection.putrequest("POST", f"/v1{route.format(container_id)}")
        connection.putheader("authorization", f"Bearer {strict.api_key}")
        connection.putheader("content-type", content_type)
        connection.putheader("content-length", "100000000000")
        connection.endheaders()
        answer = connection.getresponse()
        refusal(httpx.Response(answer.status, headers=dict(answer.headers), content=answer.read()), 413)
    finally:
        connection.close()


def test_a_body_of_unknown_size_is_cut_off(strict: Service, strict_http: httpx.Client, container_id: str) -> None:
    """A chunked body is a 413 as soon as it is too large, and nothing of it is kept in memory or as a file."""
    bodies = [
        ("/containers", "application/json", endless(b'{"name": "', b"x" * 65536)),
        (f"/containers/{container_id}/shell_calls", "application/json", endless(b'{"stdin": "', b"x" * 65536)),
        (f"/containers/{container_id}/files", MULTIPART, endless(HEAD, b"x" * 65536)),
    ]
    with growth(strict.pid, "bodies without an end") as grown:
        for path, content_type, content in bodies:
            response = strict_http.post(path, content=content, headers={"content-type": content_type})
            refusal(response, 413)
    assert grown() < 32 * MIB
    assert strict_http.get(f"/containers/{container_id}/files").json()["data"] == []
    assert stdout(strict_http, container_id, "ls -A") == ""


def test_a_file_of_the_limit_is_taken(strict_http: httpx.Client, container_id: str) -> None:
    """A file of exactly the largest size is taken; one byte more is a 413 that leaves nothing behind."""
    files = f"/containers/{container_id}/files"
    taken = strict_http.post(files, files={"file": ("most", b"x" * FILE_MAX)})
    assert taken.status_code == 200
    refusal(strict_http.post(files, files={"file": ("more", b"x" * (FILE_MAX + 1))}), 413)
    assert [file["path"] for file in strict_http.get(files).json()["data"]] == ["/mnt/data/most"]
    assert stdout(strict_http, container_id, "ls -A") == "most\n"
    strict_http.delete(f"{files}/{taken.json()['id']}").raise_for_status()


def test_the_operators_expiry_is_the_longest(strict_http: httpx.Client) -> None:
    """`expires_after.minutes` beyond the operator's maximum is refused, and the default keeps to it."""
    body = {"name": "x", "expires_after": {"anchor": "last_active_at", "minutes": 6}}
    assert refusal(strict_http.post("/containers", json=body), 400)["param"] == "expires_after.minutes"
    made = strict_http.post("/containers", json={"name": "x"}).json()
    assert made["expires_after"]["minutes"] == 5
    strict_http.delete(f"/containers/{made['id']}").raise_for_status()
