from __future__ import annotations

import httpx
import pytest

from tests.envelope import refusal
from tests.multipart_requests import END, TYPE

pytestmark = pytest.mark.usefixtures("nothing_made")

FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\ncontent\r\n'


def part(head: str, content: str = "content") -> bytes:
    """One part of a multipart body, `head` being what follows `form-data` in its Content-Disposition."""
    return f"--b\r\nContent-Disposition: form-data{head}\r\n\r\n{content}\r\n".encode()


# A body's Content-Type, the body, and the param and code of what is wrong with it.
UPLOADS: dict[str, tuple[str, bytes, str | None, str]] = {
    "no boundary": ("multipart/form-data", FILE + END, "file", "invalid_multipart"),
    "empty boundary": ("multipart/form-data; boundary=", FILE + END, "file", "invalid_multipart"),
    "another boundary": ("multipart/form-data; boundary=c", FILE + END, "file", "invalid_multipart"),
    "endless boundary": ("multipart/form-data; boundary=" + "b" * 5000, FILE + END, "file", "invalid_multipart"),
    "no body": (TYPE, b"", "file", "invalid_multipart"),
    "not multipart": (TYPE, b"just text", "file", "invalid_multipart"),
    "no end": (TYPE, FILE, "file", "invalid_multipart"),
    "cut inside": (TYPE, FILE[:-5], "file", "invalid_multipart"),
    "cut in a head": (TYPE, FILE[:30], "file", "invalid_multipart"),
    "no disposition": (TYPE, b"--b\r\n\r\ncontent\r\n" + END, "file", "invalid_multipart"),
    "broken head": (TYPE, b"--b\r\nno colon\r\n\r\ncontent\r\n" + END, "file", "invalid_multipart"),
    "endless head": (TYPE, b"--b\r\nX: " + b"x" * 100_000 + b"\r\n\r\n\r\n" + END, "file", "invalid_multipart"),
    "only an end": (TYPE, END, "file", "missing_required_parameter"),
    "no name": (TYPE, part('; filename="a.txt"') + END, None, "invalid_multipart"),
    "a field of that name": (TYPE, part('; name="file"') + END, "file", "invalid_type"),
    "no file name": (TYPE, part('; name="file"; filename=""') + END, "file", "empty_string"),
    "another field": (TYPE, part('; name="flie"; filename="a.txt"') + END, "flie", "unknown_parameter"),
    "a field before": (TYPE, part('; name="purpose"', "assistants") + FILE + END, "purpose", "unknown_parameter"),
    "a field after": (TYPE, FILE + part('; name="purpose"', "assistants") + END, "purpose", "unknown_parameter"),
    "two files": (TYPE, FILE + FILE + END, "file", "array_above_max_length"),
    "a file and a file id": (TYPE, FILE + part('; name="file_id"', "file-1") + END, "file_id", "invalid_value"),
    "JSON with nothing": ("application/json", b"{}", "file_id", "missing_required_parameter"),
    "JSON with more": ("application/json", b'{"file_id": "file-1", "x": 1}', "x", "unknown_parameter"),
}


@pytest.mark.parametrize("case", UPLOADS)
def test_a_bad_upload_names_its_fault(http: httpx.Client, shared: str, case: str) -> None:
    """Whatever is wrong with an upload is a 400 with param and code, and leaves no file behind."""
    content_type, body, param, code = UPLOADS[case]
    response = http.post(f"/containers/{shared}/files", content=body, headers={"content-type": content_type})
    error = refusal(response, 400)
    assert (error["param"], error["code"]) == (param, code)
    assert http.get(f"/containers/{shared}/files").json()["data"] == []


def test_the_body_may_come_in_any_pieces(http: httpx.Client, shared: str) -> None:
    """A bad end is found also where the body comes byte by byte."""
    pieces = (bytes([byte]) for byte in FILE + b"--b-x")
    response = http.post(f"/containers/{shared}/files", content=pieces, headers={"content-type": TYPE})
    assert refusal(response, 400)["code"] == "invalid_multipart"
