"""Local disk for what is on its way between requests, blobs and sandboxes, so that it needn't be held in memory."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal, Self

from runtime.disk import on_disk
from runtime.pieces import PIECE, gathered


class Spool:
    """A folder that nobody else uses, with a folder in it for each thing that is on its way."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    async def open(cls, folder: Path) -> Self:
        """The spool in that folder, which is made if need be. What a crash has left there is removed."""
        await on_disk(partial(_empty, folder))
        return cls(folder)

    @asynccontextmanager
    async def folder(self) -> AsyncIterator[Path]:
        """A new, empty folder. It goes at the end, with all that is in it, even if the task is cancelled."""
        path = self._folder / secrets.token_hex(16)
        try:
            await on_disk(partial(path.mkdir, mode=0o700))
            yield path
        finally:
            # What a broken disk doesn't let go stays until the next start.
            await on_disk(partial(shutil.rmtree, path, ignore_errors=True))


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


async def write_file(path: Path, pieces: AsyncIterable[bytes]) -> None:
    """Write a new file. Raises StorageFull, and whatever `pieces` raises; closing them is the caller's."""
    async with _opened(path, "xb") as file:
        async for data in gathered(pieces):
            await on_disk(partial(file.write, data))


async def read_file(path: Path) -> AsyncGenerator[bytes]:
    """A file's bytes. The caller closes the generator, or reads it to its end."""
    async with _opened(path, "rb") as file:
        while data := await on_disk(partial(file.read, PIECE)):
            yield data


@asynccontextmanager
async def _opened(path: Path, mode: Literal["rb", "xb"]) -> AsyncIterator[BinaryIO]:
    """The file, closed at the end whatever happens, even if the task is cancelled while it is opened."""
    held = ExitStack()
    try:
        yield await on_disk(lambda: held.enter_context(path.open(mode)))
    finally:
        await on_disk(held.close)
