from __future__ import annotations

import hashlib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai.types import Upload

from tests.envelope import refusal
from tests.memory import MIB
from tests.multipart_requests import END, TYPE, field


def start(client: openai.OpenAI, size: int) -> Upload:
    """A new upload of that many bytes."""
    return client.uploads.create(bytes=size, filename="a.txt", mime_type="text/plain", purpose="user_data")


def put(client: openai.OpenAI, upload: Upload, *contents: bytes) -> list[str]:
    """Add parts, and give their ids."""
    return [client.uploads.parts.create(upload.id, data=content).id for content in contents]


def test_an_upload_as_it_is_made(http: httpx.Client) -> None:
    """A create answers with OpenAI's object, pending for an hour, and nothing else."""
    wanted = {"filename": "a.jsonl", "purpose": "batch", "bytes": 2**33, "mime_type": "text/jsonl"}
    made = http.post("/uploads", json=wanted).raise_for_status().json()
    assert re.fullmatch(r"upload_[0-9a-f]{48}", made["id"])
    assert made == {
        "id": made["id"],
        "object": "upload",
        "bytes": 2**33,
        "created_at": made["created_at"],
        "expires_at": made["created_at"] + 3600,
        "filename": "a.jsonl",
        "purpose": "batch",
        "status": "pending",
        "file": None,
    }


def test_parts_become_a_file(client: openai.OpenAI, http: httpx.Client) -> None:
    """The parts, in the order of `part_ids`, are one file, in the upload's answer and under `/v1/files`."""
    upload = start(client, 9)
    part = http.post(f"/uploads/{upload.id}/parts", files={"data": b"ghi"}).raise_for_status().json()
    assert re.fullmatch(r"part_[0-9a-f]{48}", part["id"])
    assert part == {
        "id": part["id"],
        "object": "upload.part",
        "created_at": part["created_at"],
        "upload_id": upload.id,
    }
    second, first = put(client, upload, b"def", b"abc")
    body = {"part_ids": [first, second, part["id"]]}
    done = http.post(f"/uploads/{upload.id}/complete", json=body).raise_for_status().json()
    made = http.get(f"/files/{done['file']['id']}").raise_for_status().json()
    assert (done["status"], done["file"]) == ("completed", made)
    assert (made["filename"], made["bytes"], made["purpose"]) == ("a.txt", 9, "user_data")
    assert client.files.content(made["id"]).read() == b"abcdefghi"


@pytest.mark.parametrize("in_memory", [True, False])
def test_the_official_client_uploads_in_chunks(client: openai.OpenAI, tmp_path: Path, in_memory: bool) -> None:
    """`upload_file_chunked` sends a file from memory or disk in parts, and it is whole, with its checksum."""
    content = os.urandom(3 * MIB + 17)
    checksum = hashlib.md5(content, usedforsecurity=False).hexdigest()
    common: dict[str, Any] = {
        "mime_type": "application/octet-stream",
        "purpose": "assistants",
        "part_size": MIB,
        "md5": checksum,
    }
    if in_memory:
        upload = client.uploads.upload_file_chunked(file=content, filename="large.bin", bytes=len(content), **common)
    else:
        (tmp_path / "large.bin").write_bytes(content)
        upload = client.uploads.upload_file_chunked(file=tmp_path / "large.bin", **common)
    assert upload.status == "completed"
    assert upload.file is not None
    assert upload.file.filename == "large.bin"
    assert client.files.content(upload.file.id).read() == content


def test_parts_may_come_at_the_same_time(client: openai.OpenAI) -> None:
    """Parts that are sent all at once are all there."""
    upload = start(client, 16 * 1000)
    contents = [os.urandom(1000) for _ in range(16)]
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda content: put(client, upload, content)[0], contents))
    done = client.uploads.complete(upload.id, part_ids=ids)
    assert done.file is not None
    assert client.files.content(done.file.id).read() == b"".join(contents)


def test_a_part_may_be_a_plain_field(client: openai.OpenAI, http: httpx.Client) -> None:
    """A part may come as a field without a file's name, as OpenAI's own example sends it."""
    upload = start(client, 3)
    response = http.post(
        f"/uploads/{upload.id}/parts", content=field("data", "abc") + END, headers={"content-type": TYPE}
    )
    done = client.uploads.complete(upload.id, part_ids=[response.raise_for_status().json()["id"]])
    assert done.file is not None
    assert done.file.bytes == 3


def test_the_file_of_an_upload_can_expire(client: openai.OpenAI) -> None:
    """`expires_after` is of the file: its time begins when the upload is completed."""
    upload = client.uploads.create(
        bytes=1,
        filename="a",
        mime_type="pdf",
        purpose="evals",
        expires_after={"anchor": "created_at", "seconds": 7200},
    )
    done = client.uploads.complete(upload.id, part_ids=put(client, upload, b"a"))
    assert done.file is not None
    assert done.file.expires_at == done.file.created_at + 7200


@pytest.mark.parametrize(
    ("choose", "md5", "param"),
    [
        ((0,), None, "part_ids"),
        ((0, 1, 2), None, "part_ids"),
        ((0, 0), None, "part_ids[1]"),
        ((0, 3), None, "part_ids[1]"),
        ((0, 1), "0" * 32, "md5"),
    ],
)
def test_what_does_not_fit_is_refused(
    client: openai.OpenAI, http: httpx.Client, choose: tuple[int, ...], md5: str | None, param: str
) -> None:
    """Parts that are too short, too long, given twice, of another upload or with another checksum are a 400.

    The upload stays pending, and can still be completed.
    """
    upload = start(client, 6)
    ids = [*put(client, upload, b"abc", b"def", b"ghi"), *put(client, start(client, 3), b"def")]
    body = {"part_ids": [ids[index] for index in choose], "md5": md5}
    error = refusal(http.post(f"/uploads/{upload.id}/complete", json=body), 400)
    assert error["param"] == param
    assert client.uploads.complete(upload.id, part_ids=ids[:2]).status == "completed"


def test_a_cancelled_upload_takes_nothing_more(client: openai.OpenAI, http: httpx.Client) -> None:
    """Cancel answers with the upload as it is then; parts, complete and another cancel are a 400."""
    upload = start(client, 3)
    ids = put(client, upload, b"abc")
    cancelled = client.uploads.cancel(upload.id)
    assert cancelled == upload.model_copy(update={"status": "cancelled"})
    assert_over(http, upload, ids)


def test_a_completed_upload_takes_nothing_more(client: openai.OpenAI, http: httpx.Client) -> None:
    """Parts, another complete and a cancel are a 400, and leave the file alone."""
    upload = start(client, 3)
    ids = put(client, upload, b"abc")
    done = client.uploads.complete(upload.id, part_ids=ids)
    assert_over(http, upload, ids)
    assert done.file is not None
    assert client.files.content(done.file.id).read() == b"abc"


def assert_over(http: httpx.Client, upload: Upload, ids: list[str]) -> None:
    """Hold that nothing more can be done with an upload."""
    path = f"/uploads/{upload.id}"
    assert upload.id in refusal(http.post(f"{path}/parts", files={"data": b"abc"}), 400)["message"]
    assert upload.id in refusal(http.post(f"{path}/complete", json={"part_ids": ids}), 400)["message"]
    assert upload.id in refusal(http.post(f"{path}/cancel"), 400)["message"]
