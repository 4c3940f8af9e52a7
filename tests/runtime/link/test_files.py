"""Files: written, read, listed, removed."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import AsyncIterator

import pytest

from runtime.errors import NotFound, StorageFull
from runtime.link.frames import MAX_PAYLOAD, WINDOW
from runtime.sandbox import MAX_PATHS
from tests.runtime.link.box import Box, pieces_of

DIG = """
import os
for depth in range(20):
    os.mkdir('d' * 250)
    os.chdir('d' * 250)
    open('f', 'w').write('x')
"""
SIZES = [0, 1, MAX_PAYLOAD - 1, MAX_PAYLOAD, MAX_PAYLOAD + 1, WINDOW, WINDOW + 1, 5 * WINDOW + 7]


@pytest.mark.parametrize("size", SIZES)
async def test_there_and_back(box: Box, size: int) -> None:
    """A file comes back as it was, of whatever size, sent in whatever pieces; commands find the same bytes."""
    data = os.urandom(size)
    cuts = sorted(random.choices(range(size + 1), k=5))  # noqa: S311 - any will do
    pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, size], strict=True)]
    writing = await box.sandbox.write("file.bin", pieces_of(*pieces))
    assert await writing.finish() == (b"file.bin", size)
    assert await box.get(b"file.bin") == data
    assert (await box.run("sha256sum < file.bin")).split()[0] == hashlib.sha256(data).hexdigest()
    assert [(file.path, file.size) for file in await box.sandbox.list(10)] == [(b"file.bin", size)]


async def test_names_that_are_taken(box: Box) -> None:
    """A name that is taken gets a number; nothing is ever overwritten, not even a link or a folder."""
    await box.run("mkdir dir; ln -s /nowhere link; mkfifo pipe")
    assert [await box.put("a.tar.gz", str(number).encode()) for number in range(3)] == [
        b"a.tar.gz",
        b"a.tar-1.gz",
        b"a.tar-2.gz",
    ]
    assert await box.get(b"a.tar.gz") == b"0"
    for name in ("dir", "link", "pipe"):
        assert await box.put(name, b"x") == f"{name}-1".encode()
    assert await box.run("readlink link") == "/nowhere\n"


@pytest.mark.parametrize("name", ["x" * 251 + ".txt", "é" * 127, "." + "y" * 254])
async def test_long_names_that_are_taken(box: Box, name: str) -> None:
    """Even with a number a name is no longer than a file system takes."""
    first, second = await box.put(name, b"1"), await box.put(name, b"2")
    assert first == name.encode()
    assert len(second) <= 255
    assert await box.get(second) == b"2"


@pytest.mark.parametrize(
    "name", [b"\xff\xfe", b"new\nline", b" ", b"-rf", b"'\"$(id)`", b"\x01\x7f", "ü\u202e".encode(), b"\xed\xa0\x80"]
)
async def test_any_name(box: Box, name: bytes) -> None:
    """A file of any name that code makes is listed, read and removed by that name."""
    octal = "".join(f"\\{byte:03o}" for byte in name)
    await box.run(f'n=$(printf \'{octal}.\'); n=${{n%.}}; mkdir -p "d/$n"; printf x > "d/$n."; printf yy > "d/$n/$n"')
    paths = {b"d/" + name + b".": b"x", b"d/" + name + b"/" + name: b"yy"}
    assert {file.path for file in await box.sandbox.list(10)} == set(paths)
    for path, content in paths.items():
        assert await box.get(path) == content
        await box.sandbox.remove(path)
    assert await box.sandbox.list(10) == []


async def test_lists(box: Box) -> None:
    """A listing has all files of all folders, with sizes and times, or as many as were asked for."""
    await box.run("mkdir -p a/b/c; for i in $(seq 1000); do echo $i > a/b/$i; done; touch -d @1234 a/b/c/old")
    files = await box.sandbox.list(10_000)
    assert len(files) == 1001
    assert {file.path: file.size for file in files}[b"a/b/1000"] == 5
    assert {file.path: file.modified_at for file in files}[b"a/b/c/old"] == 1234
    assert len(await box.sandbox.list(300)) == 300


async def test_deep_folders(box: Box) -> None:
    """A listing ends at some depth, and so does what it costs."""
    await box.run("python3 -c \"import os\nfor i in range(500): os.mkdir('d'); os.chdir('d')\nopen('f', 'w')\"")
    assert await box.sandbox.list(10) == []
    await box.run("rm -r d")


async def test_long_paths(box: Box) -> None:
    """A path that is too long is left out of a listing; all else is there."""
    await box.run(f'echo x > f; python3 -c "{DIG}"')
    found = {file.path: file.size for file in await box.sandbox.list(100)}
    assert found.pop(b"f") == 2
    assert sorted(len(path) for path in found) == [251 * number + 1 for number in range(1, 17)]
    for path in found:
        assert await box.get(path) == b"x"
    await box.run("rm -r dd*")


async def test_many_long_paths(box: Box) -> None:
    """The paths of one listing have a bound together too."""
    await box.run(f"python3 -c \"{DIG}\"; cd $(find . -type d | awk 'length == 251*15 + 1'); seq 1000 | xargs touch")
    found = await box.sandbox.list(10_000)
    assert MAX_PATHS - 4096 <= sum(len(file.path) for file in found) <= MAX_PATHS
    await box.run("rm -r dd*")


async def test_remove(box: Box) -> None:
    """A file that is removed is gone; once more, or for a folder, it is NotFound."""
    await box.run("mkdir -p d; echo x > d/f; ln -s d/f link")
    await box.sandbox.remove(b"d/f")
    assert await box.run("ls d") == ""
    for path in (b"d/f", b"d", b"nothing/at/all"):
        with pytest.raises(NotFound):
            await box.sandbox.remove(path)


async def test_files_that_are_not_whole(box: Box) -> None:
    """A file that is being written isn't there yet, and when it is given up it never was."""
    writing = await box.sandbox.write("half", pieces_of(b"x" * 100_000))
    assert await box.sandbox.list(10) == []
    writing.close()
    assert await box.sandbox.list(10) == []
    assert await box.run("ls -A") == ""


async def test_a_body_that_breaks(box: Box) -> None:
    """When the sender's body fails, its error comes back and nothing is left."""

    async def body() -> AsyncIterator[bytes]:
        yield b"x" * 100_000
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await box.sandbox.write("half", body())
    assert await box.run("ls -A") == ""


async def test_a_folder_that_can_not_be_written(box: Box) -> None:
    """A write that can't be is refused while it is sent, and the link stays good."""
    await box.run("chmod a-w .")
    with pytest.raises(StorageFull):
        await box.put("a", bytes(3 * WINDOW))
    await box.run("chmod u+w .")
    assert await box.put("a", b"x") == b"a"
