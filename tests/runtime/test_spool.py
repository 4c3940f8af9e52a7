from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runtime.errors import StorageFull
from runtime.spool import Spool, read_file, write_file
from tests.runtime.skill_parts import one

MIB = 1024**2


async def test_opening_it_empties_it(tmp_path: Path) -> None:
    """What a crash has left is gone: files, folders, and links, but not what those lead to."""
    spooled, elsewhere = tmp_path / "spool", tmp_path / "elsewhere"
    (spooled / "left/deep").mkdir(parents=True)
    elsewhere.mkdir()
    (spooled / "left/deep/file").write_bytes(b"half")
    (spooled / "link").symlink_to(elsewhere)
    (elsewhere / "file").write_bytes(b"somebody's")
    await Spool.open(spooled)
    assert list(spooled.iterdir()) == []
    assert (elsewhere / "file").read_bytes() == b"somebody's"
    assert spooled.stat().st_mode & 0o077 == 0


async def test_a_folder_goes_at_the_end(tmp_path: Path) -> None:
    """With all that is in it, whatever ends its use, and no other with it."""
    spool = await Spool.open(tmp_path / "spool")
    async with spool.folder() as kept:
        with pytest.raises(ZeroDivisionError):
            await _fail_in(spool)
        assert list((tmp_path / "spool").iterdir()) == [kept]
    assert list((tmp_path / "spool").iterdir()) == []


async def _fail_in(spool: Spool) -> None:
    async with spool.folder() as folder:
        (folder / "deep").mkdir()
        await write_file(folder / "deep/file", one(b"content"))
        raise ZeroDivisionError


async def test_a_folder_goes_when_its_user_is_cancelled(tmp_path: Path) -> None:
    """At whatever moment, also while it is made or removed."""
    spool = await Spool.open(tmp_path / "spool")

    async def use() -> None:
        async with spool.folder() as folder:
            await write_file(folder / "file", one(bytes(2 * MIB)))

    for turns in range(40):
        using = asyncio.create_task(use())
        for _ in range(turns):
            await asyncio.sleep(0.0001)
        using.cancel()
        await asyncio.wait({using})
        assert list((tmp_path / "spool").iterdir()) == []


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, 3 * MIB + 1])
async def test_a_file_is_read_as_it_was_written(tmp_path: Path, size: int) -> None:
    """In pieces, of whatever size it was written in."""
    content = bytes(range(256)) * (size // 256 + 1)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, size, 1000):
            yield content[start : min(start + 1000, size)]

    await write_file(tmp_path / "file", pieces())
    assert b"".join([piece async for piece in read_file(tmp_path / "file")]) == content[:size]


async def test_a_full_disk(small_disk: Path) -> None:
    """It is StorageFull, and what was written makes room again."""
    spool = await Spool.open(small_disk / "spool")
    for size in (8, 2, 8, 2):
        async with spool.folder() as folder:
            if size == 2:
                await write_file(folder / "file", one(bytes(size * MIB)))
            else:
                with pytest.raises(StorageFull):
                    await write_file(folder / "file", one(bytes(size * MIB)))
    assert list((small_disk / "spool").iterdir()) == []
