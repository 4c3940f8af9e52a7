"""No service at all: files copied on the disk that the service keeps its own on."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path
from typing import Self

from bench.contestants.base import Look, Upload


class PlainCopy:
    """Implements KeepsFiles. `folder` is on that disk.

    What is uploaded is on the disk for good, as the service promises it; of what is downloaded nobody promises that.
    """

    name = "plain copy"

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "copies"

    def __enter__(self) -> Self:
        self._folder.mkdir()
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder)

    def upload(self, name: str, content: bytes) -> Upload:
        """See KeepsFiles."""
        source = self._folder / f"in-{name}"
        source.write_bytes(content)
        return partial(_copy_durably, source, self._folder / name)

    def download(self, name: str) -> Look:
        """See KeepsFiles."""
        target = self._folder / f"out-{name}"
        shutil.copyfile(self._folder / name, target)
        return target.read_bytes

    def discard(self, name: str) -> int:
        """See KeepsFiles."""
        file = self._folder / name
        size = file.stat().st_size
        file.unlink()
        return size


def _copy_durably(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    with target.open("r+b") as copy:
        os.fsync(copy.fileno())
