from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.downloads import saved_as
from tests.envelope import refusal
from tests.shell import Json, stdout

# A name as a client sends it, and what it is in the container.
UPLOADED = {
    "plain.txt": "plain.txt",
    "with space.txt": "with space.txt",
    "Übergrößen — 数据 😀.csv": "Übergrößen — 数据 😀.csv",
    "quote\"s' and $HOME `id`; rm -rf *": "quote\"s' and $HOME `id`; rm -rf *",
    "-rf": "-rf",
    ".hidden": ".hidden",
    "%2e%2e%2fetc": "%2e%2e%2fetc",
    "../../etc/passwd": "passwd",
    "/etc/shadow": "shadow",
    "C:\\Users\\me\\report.docx": "report.docx",
    "..": "file",
    ".": "file",
    "folder/": "file",
    "line\nbreak\r\n\tand tab": "line_break___and tab",
    "x" * 300 + ".csv": "x" * 251 + ".csv",
    "ü" * 200 + ".csv": "ü" * 125 + ".csv",
}

# Names that only code can make: a command that makes the file, and its path as lists show it.
MADE = {
    "line break": ("echo -n x > $'line\\nbreak'", "line\nbreak"),
    "carriage return": ("echo -n x > $'a\\r\\nSet-Cookie: a=b'", "a\r\nSet-Cookie: a=b"),
    "quotes": ("echo -n x > $'a\"b\\'c\\\\d'", "a\"b'c\\d"),
    "not UTF-8": ("echo -n x > $'caf\\xe9-\\xff'", "caf\\xe9-\\xff"),
    "255 bytes": ("echo -n x > $(printf '%0255d' 0)", "0" * 255),
    "255 bytes not UTF-8": ("echo -n x > $(head -c 255 /dev/zero | tr '\\0' '\\377')", "\\xff" * 255),
    "deep": ("mkdir -p $'a\\nb/..c/...' && echo -n x > $'a\\nb/..c/.../d'", "a\nb/..c/.../d"),
    "control characters": ("echo -n x > $'\\x1b[2Jclear\\x07'", "\x1b[2Jclear\x07"),
    "like a template": ("echo -n x > '{{7*7}}<script>%s%n'", "{{7*7}}<script>%s%n"),
}


def only_file(http: httpx.Client, container_id: str) -> Json:
    """The one file a container has, as it is listed."""
    (file,) = http.get(f"/containers/{container_id}/files").raise_for_status().json()["data"]
    listed: Json = file
    return listed


@pytest.mark.parametrize("name", UPLOADED, ids=lambda name: ascii(name)[:30])
def test_an_uploaded_name_is_kept_or_made_safe(http: httpx.Client, emptied: str, name: str) -> None:
    """An upload keeps its own name as far as a file can have it, stays in its folder, and comes back whole."""
    body = multipart(name, b"content")
    made = http.post(f"/containers/{emptied}/files", **body).raise_for_status().json()
    assert made["path"] == f"/mnt/data/{UPLOADED[name]}"
    assert only_file(http, emptied) == made
    assert stdout(http, emptied, "ls -A | tr -d '\\n'") == UPLOADED[name]
    answer = http.get(f"/containers/{emptied}/files/{made['id']}/content")
    assert answer.content == b"content"
    assert saved_as(answer) == UPLOADED[name]


@pytest.mark.parametrize("case", MADE)
def test_a_name_made_by_code_is_harmless(http: httpx.Client, emptied: str, case: str) -> None:
    """A file of any name that code can make is listed, read, downloaded and deleted; no header breaks of it."""
    command, shown = MADE[case]
    stdout(http, emptied, command)
    file = only_file(http, emptied)
    assert (file["path"], file["bytes"], file["source"]) == (f"/mnt/data/{shown}", 1, "assistant")
    path = f"/containers/{emptied}/files/{file['id']}"
    assert http.get(path).json() == file
    answer = http.get(f"{path}/content")
    assert answer.content == b"x"
    assert saved_as(answer) == shown.rpartition("/")[2]
    assert http.delete(path).status_code == 200
    assert stdout(http, emptied, "find . -type f") == ""


def test_a_name_that_is_no_text_is_refused(http: httpx.Client, emptied: str) -> None:
    """A name whose bytes are not UTF-8 is a 400 in the envelope, and leaves no file behind."""
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="caf\xe9.txt"\r\n\r\ncontent\r\n--b--\r\n'
    headers = {"content-type": "multipart/form-data; boundary=b"}
    error = refusal(http.post(f"/containers/{emptied}/files", content=head, headers=headers), 400)
    assert (error["param"], error["code"]) == ("file", "invalid_multipart")
    assert stdout(http, emptied, "ls -A") == ""


def multipart(name: str, content: bytes) -> dict[str, Any]:
    """An upload whose file name is sent as it is, or in full (RFC 8187) where it would break its header."""
    escaped = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    disposition = f'filename="{name}"' if escaped == name else f"filename*=UTF-8''{quote(name, safe='')}"
    head = f'--b\r\nContent-Disposition: form-data; name="file"; {disposition}\r\n\r\n'
    return {
        "content": head.encode() + content + b"\r\n--b--\r\n",
        "headers": {"content-type": "multipart/form-data; boundary=b"},
    }
