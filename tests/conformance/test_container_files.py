from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from openai.types import ContainerCreateResponse

from tests.shell import stdout


@pytest.fixture
def files(container: ContainerCreateResponse) -> str:
    """The path of one container's files."""
    return f"/containers/{container.id}/files"


def put(http: httpx.Client, files: str, name: str, content: bytes) -> dict[str, Any]:
    """Upload a file and give its object."""
    response = http.post(files, files={"file": (name, content)})
    assert response.status_code == 200, response.text
    file: dict[str, Any] = response.json()
    return file


def test_an_upload_answers_with_openais_object(
    http: httpx.Client, container: ContainerCreateResponse, files: str
) -> None:
    """An uploaded file's object has OpenAI's fields, and retrieve and list give the same."""
    file = put(http, files, "a.csv", b"a,b\n1,2\n")
    assert re.fullmatch(r"cfile_[0-9a-f]{32}", file["id"])
    assert isinstance(file["created_at"], int)
    assert file == {
        "id": file["id"],
        "object": "container.file",
        "created_at": file["created_at"],
        "bytes": 8,
        "container_id": container.id,
        "path": "/mnt/data/a.csv",
        "source": "user",
    }
    assert http.get(f"{files}/{file['id']}").json() == file
    assert http.get(files).json()["data"] == [file]


def test_a_taken_name_gets_a_number(http: httpx.Client, files: str) -> None:
    """An upload never overwrites: the second `a.csv` becomes `a-1.csv`, and both keep their bytes."""
    made = [put(http, files, "a.csv", content) for content in (b"first", b"second", b"third")]
    assert [file["path"] for file in made] == ["/mnt/data/a.csv", "/mnt/data/a-1.csv", "/mnt/data/a-2.csv"]
    contents = [http.get(f"{files}/{file['id']}/content").content for file in made]
    assert contents == [b"first", b"second", b"third"]


def test_files_made_by_code_are_listed(http: httpx.Client, container: ContainerCreateResponse, files: str) -> None:
    """What code makes appears, in folders too, as the assistant's, with true sizes and ids that stay."""
    stdout(http, container.id, "mkdir -p deep/er; echo hello > deep/er/made.txt; : > empty")
    first = http.get(files, params={"order": "asc"}).json()["data"]
    assert {(file["path"], file["bytes"], file["source"]) for file in first} == {
        ("/mnt/data/deep/er/made.txt", 6, "assistant"),
        ("/mnt/data/empty", 0, "assistant"),
    }
    stdout(http, container.id, "echo again >> deep/er/made.txt; rm empty")
    (second,) = http.get(files).json()["data"]
    assert second["bytes"] == 12
    assert second["id"] in {file["id"] for file in first}
    assert http.get(f"{files}/{second['id']}/content").content == b"hello\nagain\n"


def test_a_removed_file_is_not_found(http: httpx.Client, container: ContainerCreateResponse, files: str) -> None:
    """A file that code has removed is a 404 in OpenAI's words, before any listing has noticed."""
    file = put(http, files, "a.txt", b"a")
    stdout(http, container.id, "rm a.txt")
    for path in (file["id"], f"{file['id']}/content"):
        response = http.get(f"{files}/{path}")
        assert response.status_code == 404
        assert response.json()["error"]["message"] == f"File {file['id']} not found on container {container.id}."


def test_a_deleted_file_is_gone_for_code_too(
    http: httpx.Client, container: ContainerCreateResponse, files: str
) -> None:
    """DELETE removes the file from the container itself; done again it is a 404."""
    file = put(http, files, "a.txt", b"a")
    path = f"{files}/{file['id']}"
    assert http.delete(path).json() == {"id": file["id"], "object": "container.file.deleted", "deleted": True}
    assert stdout(http, container.id, "ls -A") == ""
    assert http.delete(path).status_code == 404
    assert http.get(files).json()["data"] == []


def test_files_page_like_containers(http: httpx.Client, container: ContainerCreateResponse, files: str) -> None:
    """Pages of files join to the whole list, in both orders."""
    stdout(http, container.id, "touch file-{1..25}")
    up, down = paged(http, files, "asc"), paged(http, files, "desc")
    assert sorted(up) == sorted(f"/mnt/data/file-{number}" for number in range(1, 26))
    assert down == up[::-1]


def paged(http: httpx.Client, files: str, order: str) -> list[str]:
    """The paths of a container's files, page by page."""
    paths: list[str] = []
    query = {"limit": "10", "order": order}
    while True:
        page = http.get(files, params=query).json()
        paths += [file["path"] for file in page["data"]]
        if not page["has_more"]:
            return paths
        query["after"] = page["last_id"]


def test_an_empty_file_survives_both_ways(http: httpx.Client, files: str) -> None:
    """A file of no bytes is a file."""
    file = put(http, files, "nothing", b"")
    assert file["bytes"] == 0
    assert http.get(f"{files}/{file['id']}/content").content == b""


def test_a_download_is_saved_and_never_shown(http: httpx.Client, files: str) -> None:
    """Content comes as an attachment of its own name and length, of a type that no browser runs."""
    file = put(http, files, "page.html", b"<script>alert(1)</script>")
    headers = http.get(f"{files}/{file['id']}/content").headers
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-length"] == "25"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-disposition"].startswith('attachment; filename="page.html"')
