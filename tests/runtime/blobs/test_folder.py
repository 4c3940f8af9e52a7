"""What a folder promises besides: no leftovers of a crash, a full disk, nobody else's eyes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runtime.blobs.folder import FolderBlobStore
from runtime.errors import StorageFull, StorageUnavailable
from runtime.ids import new_blob_id
from runtime.pieces import PIECE
from tests.memory import MIB
from tests.runtime.blobs.storages import FolderStorage, body, content, listed
from tests.runtime.conftest import SMALL_DISK

# A process that is killed while it writes a blob: it tells once some of it is on the disk.
WRITER = """
import asyncio, pathlib, sys
from runtime.blobs.folder import FolderBlobStore
from runtime.ids import new_blob_id

async def pieces():
    for _ in range(3):
        yield bytes(1024**2)
    print("written", flush=True)
    await asyncio.Event().wait()

async def main():
    await (await FolderBlobStore.open(pathlib.Path(sys.argv[1]))).write(new_blob_id(), pieces())

asyncio.run(main())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a test's blobs are, or will be."""
    return tmp_path / "blobs"


async def test_a_small_blob_is_not_held_open(folder: Path) -> None:
    """It is read and closed at once when it is opened, so that nobody waits for a thread again."""
    blobs = await FolderBlobStore.open(folder)
    small, large = new_blob_id(), new_blob_id()
    await blobs.write(small, body(b"x" * PIECE))
    await blobs.write(large, body(b"x" * (PIECE + 1)))
    for blob_id, start, held in ((small, 0, 0), (small, PIECE, 0), (large, 0, 1), (large, 1, 0)):
        before = len(os.listdir("/proc/self/fd"))
        reading = await blobs.read(blob_id, start)
        assert len(os.listdir("/proc/self/fd")) - before == held
        assert len(b"".join([piece async for piece in reading])) == (PIECE if blob_id == small else PIECE + 1) - start
        assert len(os.listdir("/proc/self/fd")) == before


async def test_a_crash_leaves_nothing(folder: Path) -> None:
    """What a killed process had half written isn't listed, and is removed when the folder is opened the next time."""
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, folder, stdout=subprocess.PIPE)
    assert killed.stdout is not None
    assert await killed.stdout.readline() == b"written\n"
    killed.kill()
    await killed.wait()
    assert len(FolderStorage(folder).traces()) == 1
    blobs = await FolderBlobStore.open(folder)
    assert FolderStorage(folder).traces() == []
    assert await listed(blobs) == set()


async def test_opened_while_another_one_writes(folder: Path) -> None:
    """Opening a folder leaves alone what a living process is writing, be it this one."""
    opened = 0

    async def slow() -> AsyncIterator[bytes]:
        nonlocal opened
        for _ in range(5):
            yield b"x" * PIECE
            await FolderBlobStore.open(folder)
            opened += 1

    blobs = await FolderBlobStore.open(folder)
    blob_id = new_blob_id()
    assert await blobs.write(blob_id, slow()) == opened * PIECE
    assert await content(blobs, blob_id) == b"x" * opened * PIECE


async def test_a_full_disk(small_disk: Path) -> None:
    """It is told, nothing is left of what didn't fit, and once there is room blobs can be written again."""
    storage = FolderStorage(small_disk / "blobs")
    blobs = await storage.open()
    kept, refused = new_blob_id(), new_blob_id()
    await blobs.write(kept, body(os.urandom(SMALL_DISK // 2)))
    for size in (SMALL_DISK, SMALL_DISK // 2 + 1):
        with pytest.raises(StorageFull):
            await blobs.write(refused, body(*[bytes(MIB)] * (size // MIB + 1)))
        assert storage.traces() == [kept]
    await blobs.remove(kept)
    assert await blobs.write(refused, body(bytes(SMALL_DISK // 2))) == SMALL_DISK // 2


async def test_nobody_else_can_read_them(folder: Path) -> None:
    """Folders are 0700 and files 0600, whatever the umask allows."""
    umask = os.umask(0)
    try:
        blobs = await FolderBlobStore.open(folder)
        await blobs.write(new_blob_id(), body(b"secret"))
    finally:
        os.umask(umask)
    assert modes(folder) == {(True, 0o700), (False, 0o600)}


async def test_what_is_not_a_blob_is_left_alone(folder: Path) -> None:
    """Other files in the folder are neither listed nor removed."""
    blobs = await FolderBlobStore.open(folder)
    strangers = [folder / "notes.txt", folder / "00" / "notes.txt"]
    for path in strangers:
        path.write_text("mine")
    blobs = await FolderBlobStore.open(folder)
    assert await listed(blobs) == set()
    assert [path.read_text() for path in strangers] == ["mine", "mine"]


async def test_a_folder_that_is_gone(folder: Path) -> None:
    """It isn't taken for an empty one, nor made anew where something may be missing: a disk that isn't mounted."""
    blobs = await FolderBlobStore.open(folder)
    os.rename(folder, folder.with_name("elsewhere"))
    with pytest.raises(StorageUnavailable):
        await blobs.write(new_blob_id(), body(b"x"))
    with pytest.raises(StorageUnavailable):
        await listed(blobs)


async def test_a_path_that_can_not_be_a_folder(tmp_path: Path) -> None:
    """Opening says what is wrong."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageUnavailable, match=r"Not a directory.*file"):
        await FolderBlobStore.open(tmp_path / "file" / "blobs")


def modes(folder: Path) -> set[tuple[bool, int]]:
    """Of all that is in a folder and of itself: whether it is a folder, and its permissions."""
    return {(path.is_dir(), path.stat().st_mode & 0o777) for path in (folder, *folder.rglob("*"))}
