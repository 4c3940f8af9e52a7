"""The data directory: one service at a time works on it, and nobody else reads it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.file_lock import HeldElsewhere, held


class DataDirError(Exception):
    """The data directory cannot be used; the text says why."""


@contextmanager
def using(directory: Path) -> Iterator[None]:
    """What the system refuses meanwhile is said in words."""
    try:
        yield
    except OSError as error:
        raise DataDirError(f"The data directory {directory} cannot be used: {error.strerror}.") from None


@contextmanager
def hold(directory: Path) -> Iterator[None]:
    """Make the directory if need be, and keep every other service out of it until the end."""
    with using(directory):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            lock = held(directory / "lock")
        except HeldElsewhere:
            message = f"Another Sandlot is running on the data directory {directory}. Stop it, or set SANDLOT_DATA_DIR."
            raise DataDirError(message) from None
    with lock:
        yield


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner may read, at no moment anybody else, and never half."""
    part = path.with_name(f"{path.name}.part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
