from __future__ import annotations

import httpx
import pytest
from openai.types import ContainerCreateResponse

from tests.envelope import refusal
from tests.shell import call, stdout

SECRET = "root:"  # how /etc/passwd begins

SWAP_FILE = """
import os
open("real", "w").write("mine" * 1000)
os.symlink("/etc/passwd", "link")
open("mark", "w")
while os.path.exists("mark"):
    os.rename("real", "file")
    os.rename("file", "real")
    os.link("link", "copy", follow_symlinks=False)
    os.rename("copy", "file")
"""
SWAP_FOLDER = """
import os
os.makedirs("real/below")
open("real/below/passwd", "w").write("mine" * 1000)
open("real/passwd", "w").write("mine" * 1000)
os.symlink("/etc", "link")
open("mark", "w")
while os.path.exists("mark"):
    os.rename("real", "folder")
    os.rename("folder", "real")
    os.rename("link", "folder")
    os.rename("folder", "link")
"""


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "/proc/1/environ", "/dev/zero", "/proc/self/mem", "plain.txt", "/nowhere", "loop"]
)
def test_links_are_not_files(http: httpx.Client, emptied: str, target: str) -> None:
    """A symbolic link, wherever it points, is no file: not listed, and nothing is read through it."""
    stdout(http, emptied, f"echo plain > plain.txt; ln -s {target} loop; ln -s /etc folder")
    files = http.get(f"/containers/{emptied}/files").json()["data"]
    assert [file["path"] for file in files] == ["/mnt/data/plain.txt"]


@pytest.mark.parametrize("target", ["/tmp/own", "/etc/passwd", "/proc/1/environ", "/dev/zero", "/proc/self/mem"])
def test_a_file_that_became_a_link(http: httpx.Client, emptied: str, target: str) -> None:
    """A listed file that has since become a link is not there any more; deleting it leaves the target alone."""
    stdout(http, emptied, "echo plain > file.txt; echo own > /tmp/own")
    file_id = http.get(f"/containers/{emptied}/files").json()["data"][0]["id"]
    stdout(http, emptied, f"ln -sf {target} file.txt")
    path = f"/containers/{emptied}/files/{file_id}"
    refusal(http.get(path), 404)
    refusal(http.get(f"{path}/content"), 404)
    http.delete(path)
    assert stdout(http, emptied, "cat /tmp/own; rm /tmp/own; head -c 5 /etc/passwd") == f"own\n{SECRET}"


@pytest.mark.parametrize(
    "made", ["mkfifo odd", "mkdir odd", "python3 -c \"import socket; socket.socket(1).bind('odd')\""]
)
def test_what_is_no_plain_file(http: httpx.Client, emptied: str, made: str) -> None:
    """A pipe, folder or socket in a file's place is not there, and nobody waits for it."""
    stdout(http, emptied, "echo plain > odd")
    file_id = http.get(f"/containers/{emptied}/files").json()["data"][0]["id"]
    stdout(http, emptied, f"rm odd; {made}")
    refusal(http.get(f"/containers/{emptied}/files/{file_id}/content"), 404)
    assert http.get(f"/containers/{emptied}/files").json()["data"] == []


@pytest.mark.parametrize("swap", [SWAP_FILE, SWAP_FOLDER], ids=["a file", "a folder"])
def test_swapping_files_for_links(http: httpx.Client, container: ContainerCreateResponse, swap: str) -> None:
    """While code swaps files and folders for links, lists and downloads give its own bytes or a 404, nothing else."""
    begun = call(http, container.id, "python3 -", stdin=swap, background=True)
    base = f"/containers/{container.id}/files"
    found = 0
    for _ in range(60):
        for file in http.get(base).raise_for_status().json()["data"]:
            answer = http.get(f"{base}/{file['id']}/content")
            if answer.status_code == 404:
                continue
            assert answer.status_code == 200
            assert answer.content in (b"", b"mine" * 1000)
            found += bool(answer.content)
    assert found
    call_now = http.get(f"/containers/{container.id}/shell_calls/{begun['id']}").json()
    assert call_now["status"] == "in_progress", call_now


def test_an_upload_does_not_follow_links(http: httpx.Client, emptied: str) -> None:
    """An upload whose name is taken by a link gets a name of its own; the link's target stays as it is."""
    stdout(http, emptied, "echo mine > target; ln -s target a.txt; ln -s /tmp/new b.txt")
    for name, path in (("a.txt", "/mnt/data/a-1.txt"), ("b.txt", "/mnt/data/b-1.txt")):
        made = http.post(f"/containers/{emptied}/files", files={"file": (name, b"yours")}).json()
        assert made["path"] == path
    assert stdout(http, emptied, "cat target; ls /tmp") == "mine\n"


def test_a_file_that_shrinks_is_never_padded(http: httpx.Client, container: ContainerCreateResponse) -> None:
    """A file that becomes shorter during its download breaks the download off: what came is never taken for whole."""
    stdout(http, container.id, "head -c 200M /dev/zero > file")
    file_id = http.get(f"/containers/{container.id}/files").json()["data"][0]["id"]
    path = f"/containers/{container.id}/files/{file_id}/content"
    with http.stream("GET", path) as answer:
        pieces = answer.iter_bytes()
        next(pieces)
        stdout(http, container.id, "truncate -s 1 file")
        with pytest.raises(httpx.RemoteProtocolError):
            for _ in pieces:
                pass
    assert stdout(http, container.id, "echo alive") == "alive\n"
