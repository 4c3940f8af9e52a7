from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
import openai
import pytest

from tests.envelope import refusal
from tests.multipart_requests import END, TYPE, field, file, part

pytestmark = pytest.mark.usefixtures("nothing_stored")

NO_FILE = "file-" + "0" * 22
NO_UPLOAD = "upload_" + "0" * 48
PURPOSE = field("purpose", "user_data")
ANCHOR = field("expires_after[anchor]", "created_at")
UPLOAD: dict[str, Any] = {"filename": "a", "purpose": "user_data", "bytes": 3, "mime_type": "text/plain"}

# A form's parts, and the param and code of what is wrong with it.
FORMS: dict[str, tuple[list[bytes], str, str]] = {
    "nothing": ([], "file", "missing_required_parameter"),
    "no file": ([PURPOSE], "file", "missing_required_parameter"),
    "no purpose": ([file()], "purpose", "missing_required_parameter"),
    "a purpose that isn't one": ([field("purpose", "fun"), file()], "purpose", "invalid_value"),
    "a purpose that isn't one, at the end": ([file(), field("purpose", "fun")], "purpose", "invalid_value"),
    "a purpose of OpenAI's own": ([field("purpose", "batch_output"), file()], "purpose", "invalid_value"),
    "no purpose at all": ([field("purpose", ""), file()], "purpose", "invalid_value"),
    "two purposes": ([PURPOSE, PURPOSE, file()], "purpose", "duplicate_parameter"),
    "a purpose around the file": ([PURPOSE, file(), PURPOSE], "purpose", "duplicate_parameter"),
    "a purpose as a file": ([file("purpose"), file()], "purpose", "invalid_type"),
    "an endless purpose": ([field("purpose", "x" * 100_000), file()], "purpose", "string_above_max_length"),
    "a file as a field": ([PURPOSE, field("file", "x")], "file", "invalid_type"),
    "a file without a name": ([PURPOSE, file(filename="")], "file", "empty_string"),
    "a name that is too long": ([PURPOSE, file(filename="x" * 1025)], "file", "string_above_max_length"),
    "two files": ([PURPOSE, file(), file()], "file", "array_above_max_length"),
    "two files in brackets": ([PURPOSE, file("file[]"), file("file[]")], "file[]", "unknown_parameter"),
    "another field": ([PURPOSE, field("extra", "x"), file()], "extra", "unknown_parameter"),
    "another field at the end": ([PURPOSE, file(), field("extra", "x")], "extra", "unknown_parameter"),
    "half an expiry": ([PURPOSE, ANCHOR, file()], "expires_after.seconds", "missing_required_parameter"),
    "no anchor": (
        [PURPOSE, field("expires_after[seconds]", "3600"), file()],
        "expires_after.anchor",
        "missing_required_parameter",
    ),
    "another anchor": (
        [PURPOSE, field("expires_after[anchor]", "last_active_at")],
        "expires_after.anchor",
        "invalid_value",
    ),
    "too short a life": (
        [PURPOSE, ANCHOR, field("expires_after[seconds]", "3599")],
        "expires_after.seconds",
        "integer_below_min_value",
    ),
    "too long a life": (
        [PURPOSE, ANCHOR, field("expires_after[seconds]", "2592001")],
        "expires_after.seconds",
        "integer_above_max_value",
    ),
    "a life that is no number": ([field("expires_after[seconds]", "long")], "expires_after.seconds", "invalid_type"),
    **{
        f"a life in other words: {text!r}": (
            [PURPOSE, ANCHOR, field("expires_after[seconds]", text)],
            "expires_after.seconds",
            "invalid_type",
        )
        for text in (" 3600", "3600\n", "3_600", "+3600", "3600.0", "3.6e3", "\u0663\u0666\u0660\u0660", "")
    },
    "an expiry that is none": ([PURPOSE, field("expires_after", "never")], "expires_after", "invalid_type"),
    "more in an expiry": ([PURPOSE, field("expires_after[x]", "1")], "expires_after.x", "unknown_parameter"),
    "a field in a field": ([PURPOSE, field("purpose[a]", "1")], "purpose.a", "unknown_parameter"),
    "no UTF-8": ([part('form-data; name="purpose"', b"\xff")], "purpose", "invalid_value"),
    "no end": ([PURPOSE, file(), b"--b"], "file", "invalid_multipart"),
}


@pytest.mark.parametrize("case", FORMS)
def test_a_bad_form_names_its_fault(http: httpx.Client, case: str) -> None:
    """Whatever is wrong with the form of a file is a 400 with param and code, and keeps nothing."""
    parts, param, code = FORMS[case]
    content = b"".join([*parts, b"" if case == "no end" else END])
    error = refusal(http.post("/files", content=content, headers={"content-type": TYPE}), 400)
    assert (error["param"], error["code"]) == (param, code)


# A body, and the param and code of what is wrong with it.
UPLOADS: dict[str, tuple[Any, str | None, str | None]] = {
    "nothing": ({}, "filename", "missing_required_parameter"),
    "no object": ([], None, "invalid_type"),
    "no size": ({**UPLOAD, "bytes": None}, "bytes", "invalid_type"),
    "size as text": ({**UPLOAD, "bytes": "3"}, "bytes", "invalid_type"),
    "size nought": ({**UPLOAD, "bytes": 0}, "bytes", "integer_below_min_value"),
    "more than 8 GB": ({**UPLOAD, "bytes": 2**33 + 1}, "bytes", "integer_above_max_value"),
    "far more": ({**UPLOAD, "bytes": 10**30}, "bytes", "integer_above_max_value"),
    "no name": ({**UPLOAD, "filename": ""}, "filename", "empty_string"),
    "NUL in the name": ({**UPLOAD, "filename": "a\0b"}, "filename", "invalid_value"),
    "another purpose": ({**UPLOAD, "purpose": "fun"}, "purpose", "invalid_value"),
    "no type": ({**UPLOAD, "mime_type": ""}, "mime_type", "empty_string"),
    "more": ({**UPLOAD, "extra": 1}, "extra", "unknown_parameter"),
    "life as text": (
        {**UPLOAD, "expires_after": {"anchor": "created_at", "seconds": "3600"}},
        "expires_after.seconds",
        "invalid_type",
    ),
    "too short a life": (
        {**UPLOAD, "expires_after": {"anchor": "created_at", "seconds": 1}},
        "expires_after.seconds",
        "integer_below_min_value",
    ),
}


@pytest.mark.parametrize("case", UPLOADS)
def test_a_bad_upload_names_its_field(http: httpx.Client, case: str) -> None:
    """Whatever is wrong with the announcement of an upload is a 400 that names the field."""
    body, param, code = UPLOADS[case]
    error = refusal(http.post("/uploads", json=body), 400)
    assert (error["param"], error["code"]) == (param, code)


@pytest.mark.parametrize(
    ("parts", "param", "code"),
    [
        ([], "data", "missing_required_parameter"),
        ([file("file")], "file", "unknown_parameter"),
        ([file("data"), file("data")], "data", "array_above_max_length"),
        ([file("data"), field("more", "x")], "more", "unknown_parameter"),
        ([file("data", content=b"abcd")], "data", "too_large"),
    ],
)
def test_a_bad_part_names_its_fault(
    client: openai.OpenAI, http: httpx.Client, parts: list[bytes], param: str, code: str
) -> None:
    """Whatever is wrong with a part is refused by name, also one that is larger than the whole upload."""
    upload = client.uploads.create(**UPLOAD)
    content = b"".join([*parts, END])
    response = http.post(f"/uploads/{upload.id}/parts", content=content, headers={"content-type": TYPE})
    error = refusal(response, 413 if code == "too_large" else 400)
    assert (error["param"], error["code"]) == (param, code)


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({}, "part_ids", "missing_required_parameter"),
        ({"part_ids": []}, "part_ids", "empty_array"),
        ({"part_ids": "x"}, "part_ids", "invalid_type"),
        ({"part_ids": [1]}, "part_ids[0]", "invalid_type"),
        ({"part_ids": ["x"]}, "part_ids[0]", "invalid_value"),
        ({"part_ids": ["x"], "md5": "abc"}, "md5", "invalid_value"),
        ({"part_ids": ["x"], "more": 1}, "more", "unknown_parameter"),
    ],
)
def test_a_bad_end_names_its_field(
    client: openai.OpenAI, http: httpx.Client, body: dict[str, Any], param: str, code: str | None
) -> None:
    """Whatever is wrong with the completion of an upload is a 400 that names the field."""
    upload = client.uploads.create(**UPLOAD)
    error = refusal(http.post(f"/uploads/{upload.id}/complete", json=body), 400)
    assert (error["param"], error["code"]) == (param, code)


@pytest.mark.parametrize("file_id", [NO_FILE, "x", NO_FILE[:-1], NO_UPLOAD, "file-..", "\0", "💥", "x" * 5000])
def test_an_unknown_file_or_upload_is_not_found(http: httpx.Client, file_id: str) -> None:
    """An id of no file or upload, whatever its form, is a 404 in the envelope on every route."""
    unknown = quote(file_id, safe="")
    for method, path in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
        assert refusal(http.request(method, f"/files/{unknown}{path}"), 404)["param"] == "id"
    for path, sent in (
        ("cancel", {}),
        ("complete", {"json": {"part_ids": ["x"]}}),
        ("parts", {"files": {"data": b"abc"}}),
    ):
        assert refusal(http.post(f"/uploads/{unknown}/{path}", **sent), 404)["param"] == "upload_id"


@pytest.mark.parametrize(
    ("query", "param", "code"),
    [
        ("limit=0", "limit", "integer_below_min_value"),
        ("limit=10001", "limit", "integer_above_max_value"),
        ("limit=x", "limit", "invalid_type"),
        ("order=up", "order", "invalid_value"),
        ("purpose=fun", "purpose", "invalid_value"),
        ("purpose=", "purpose", "invalid_value"),
        ("purpose=batch&purpose=vision", "purpose", "duplicate_parameter"),
        ("before=x", "before", "unknown_parameter"),
    ],
)
def test_a_bad_query_for_files_names_its_parameter(http: httpx.Client, query: str, param: str, code: str) -> None:
    """Whatever is wrong with the query of the list of files is a 400 with param and code."""
    error = refusal(http.get(f"/files?{query}"), 400)
    assert (error["param"], error["code"]) == (param, code)


@pytest.mark.parametrize("after", ["", "x", NO_FILE, NO_UPLOAD, "\0"])
def test_an_unknown_cursor_for_files_is_refused(http: httpx.Client, after: str) -> None:
    """An `after` that is the id of no file is a 404, never a silent first page."""
    refusal(http.get("/files", params={"after": after}), 404)


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/mixed; boundary=b", None])
def test_a_file_comes_as_a_form(http: httpx.Client, content_type: str | None) -> None:
    """Files and parts are taken as multipart/form-data alone."""
    headers = {"content-type": content_type} if content_type else {}
    for path in ("/files", f"/uploads/{NO_UPLOAD}/parts"):
        error = refusal(http.post(path, content=b"{}", headers=headers), 400)
        assert error["code"] == "unsupported_content_type"
