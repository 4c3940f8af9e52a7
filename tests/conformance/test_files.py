from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import permutations
from typing import Any, get_args

import httpx
import openai
import pytest
from openai.types import FilePurpose

from tests.downloads import saved_as
from tests.envelope import refusal
from tests.memory import MIB
from tests.multipart_requests import END, TYPE, field, file
from tests.service import Service

HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
def tidy(http: httpx.Client) -> Iterator[None]:
    """Delete whatever files a test has made."""
    before = {file["id"] for file in http.get("/files").json()["data"]}
    yield
    for made in http.get("/files").json()["data"]:
        if made["id"] not in before:
            http.delete(f"/files/{made['id']}").raise_for_status()


pytestmark = pytest.mark.usefixtures("tidy")


def put(http: httpx.Client, name: str, content: bytes, **fields: str) -> dict[str, Any]:
    """Upload a file and give its object."""
    response = http.post("/files", files={"file": (name, content)}, data={"purpose": "user_data", **fields})
    assert response.status_code == 200, response.text
    made: dict[str, Any] = response.json()
    return made


def test_a_file_as_it_is_made(http: httpx.Client) -> None:
    """A create answers with OpenAI's object and nothing else; retrieve and list give the same."""
    made = put(http, "table.csv", b"a,b\n1,2\n")
    assert re.fullmatch(r"file-[0-9A-Za-z]{22}", made["id"])
    assert made == {
        "id": made["id"],
        "object": "file",
        "bytes": 8,
        "created_at": made["created_at"],
        "filename": "table.csv",
        "purpose": "user_data",
        "status": "processed",
    }
    assert http.get(f"/files/{made['id']}").json() == made
    assert made in http.get("/files").json()["data"]


def test_a_file_goes_up_and_comes_down(client: openai.OpenAI) -> None:
    """With the official client: what is downloaded is what was uploaded, byte for byte, also of nothing."""
    for content in (os.urandom(3 * MIB), b""):
        made = client.files.create(file=("data.bin", content), purpose="assistants")
        assert made.bytes == len(content)
        assert client.files.content(made.id).read() == content
        assert client.files.wait_for_processing(made.id).status == "processed"


@pytest.mark.parametrize("purpose", get_args(FilePurpose))
def test_every_purpose(client: openai.OpenAI, purpose: FilePurpose) -> None:
    """Each purpose that the official client knows can be given, comes back, and selects in the list."""
    made = client.files.create(file=("a.jsonl", b"{}\n"), purpose=purpose)
    assert made.purpose == purpose
    found = client.files.list(purpose=purpose).data
    assert made.id in [other.id for other in found]
    assert {other.purpose for other in found} == {purpose}


def test_a_file_can_expire(client: openai.OpenAI, http: httpx.Client) -> None:
    """`expires_after` says when, in seconds after the file was made; files for batches stay 30 days by themselves."""
    made = client.files.create(file=b"a", purpose="batch", expires_after={"anchor": "created_at", "seconds": HOUR})
    assert made.expires_at == made.created_at + HOUR
    assert client.files.retrieve(made.id).expires_at == made.expires_at
    batch = client.files.create(file=b"a", purpose="batch")
    assert batch.expires_at == batch.created_at + 30 * DAY
    assert "expires_at" not in put(http, "a", b"a")


def test_fields_come_in_any_order(http: httpx.Client) -> None:
    """The fields of the form may come before and after the file."""
    parts = [
        file("file", "a.txt", b"content"),
        field("purpose", "vision"),
        field("expires_after[anchor]", "created_at"),
        field("expires_after[seconds]", str(DAY)),
    ]
    for order in permutations(parts):
        response = http.post("/files", content=b"".join([*order, END]), headers={"content-type": TYPE})
        made = response.raise_for_status().json()
        assert (made["filename"], made["bytes"], made["purpose"]) == ("a.txt", 7, "vision")
        assert made["expires_at"] == made["created_at"] + DAY


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("Übersicht 数据.csv", "Übersicht 数据.csv"),
        ('a"b.txt', 'a"b.txt'),
        ("100%.txt", "100%.txt"),
        ("../../etc/passwd", "passwd"),
        ("x" * 300, "x" * 255),
        ("a;b=c.txt", "a;b=c.txt"),
    ],
)
def test_a_name_is_kept(http: httpx.Client, name: str, saved: str) -> None:
    """A file's name comes back as it was given; a download has it as far as a file can have it."""
    made = put(http, name, b"a")
    assert made["filename"] == name
    answer = http.get(f"/files/{made['id']}/content")
    disposition = answer.headers["content-disposition"]
    assert re.fullmatch(r"attachment; filename=\"[^\"/]+\"; filename\*=UTF-8''[^/;]+", disposition)
    assert saved_as(answer) == saved


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("table.csv", "text/csv"),
        ("batch.jsonl", "application/jsonl"),
        ("chart.png", "image/png"),
        ("page.html", "application/octet-stream"),
        ("drawing.svg", "application/octet-stream"),
        ("no extension", "application/octet-stream"),
    ],
)
def test_a_download_is_saved_and_never_run(http: httpx.Client, name: str, media_type: str) -> None:
    """Content comes as an attachment, of the type that its name says unless that is one that browsers run."""
    made = put(http, name, b"<script>alert(1)</script>")
    headers = http.get(f"/files/{made['id']}/content").headers
    assert headers["content-type"] == media_type
    assert headers["content-length"] == "25"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-disposition"].startswith(f'attachment; filename="{name}"')


def test_a_download_can_be_resumed(http: httpx.Client) -> None:
    """A range gives exactly its bytes, on the condition that it is of the same file."""
    content = os.urandom(2 * MIB)
    path = f"/files/{put(http, 'a.bin', content)['id']}/content"
    whole = http.get(path)
    assert (whole.content, whole.headers["accept-ranges"]) == (content, "bytes")
    same = {"if-range": whole.headers["etag"]}
    for asked, start, end in (("0-0", 0, 1), (f"{MIB}-", MIB, 2 * MIB), ("-5", 2 * MIB - 5, 2 * MIB), ("9-99", 9, 100)):
        part = http.get(path, headers={"range": f"bytes={asked}", **same})
        assert (part.status_code, part.content) == (206, content[start:end])
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{len(content)}"
        assert part.headers["content-length"] == str(end - start)
    for headers in ({"range": "bytes=0-0", "if-range": '"other"'}, {"range": "bytes=0-0,5-9"}, {"range": "lines=1-2"}):
        assert http.get(path, headers=headers).status_code == 200


def test_a_range_behind_the_end_is_refused(http: httpx.Client) -> None:
    """A range that begins behind the end is a 416 in the envelope, and tells the size."""
    path = f"/files/{put(http, 'a.bin', b'12345')['id']}/content"
    response = http.get(path, headers={"range": "bytes=5-"})
    assert refusal(response, 416)["code"] == "range_not_satisfiable"
    assert response.headers["content-range"] == "bytes */5"


def test_files_page(client: openai.OpenAI) -> None:
    """The official client pages through files by itself, in both orders, and misses or doubles none."""
    made = {client.files.create(file=b"%d" % number, purpose="vision").id for number in range(25)}
    up = [file.id for file in client.files.list(purpose="vision", order="asc", limit=10)]
    down = [file.id for file in client.files.list(purpose="vision", order="desc", limit=7)]
    assert up == down[::-1]
    assert made <= set(up)
    assert len(set(up)) == len(up)
    assert [file.id for file in client.files.list(purpose="vision", after=down[0]).data] == down[1:]


def test_a_page_may_have_ten_thousand_files(http: httpx.Client) -> None:
    """A page has up to 10,000 files, and that many unless fewer are asked for."""
    for _ in range(101):
        put(http, "a", b"")
    everything = http.get("/files").json()
    assert len(everything["data"]) > 100
    assert everything == http.get("/files", params={"limit": 10_000}).json()
    assert everything.keys() == {"object", "data", "first_id", "last_id", "has_more"}
    assert everything["has_more"] is False


def test_a_deleted_file_is_gone(service: Service, client: openai.OpenAI, http: httpx.Client) -> None:
    """A deleted file says so once; from then on every route is a 404 in OpenAI's words, and its bytes are gone."""
    blobs = service.data_dir / "blobs"
    before = [path for path in blobs.rglob("*") if path.is_file()]
    made = client.files.create(file=b"a", purpose="assistants")
    assert client.files.delete(made.id).to_dict() == {"id": made.id, "object": "file", "deleted": True}
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/content")):
        error = refusal(http.request(method, f"/files/{made.id}{path}"), 404)
        assert (error["message"], error["param"]) == (f"No such File object: {made.id}", "id")
    assert made.id not in [other.id for other in client.files.list()]
    assert [path for path in blobs.rglob("*") if path.is_file()] == before
