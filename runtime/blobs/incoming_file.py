"""A file that is being written, and gets its place only when it is whole."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

_CLOSED = -1


class IncomingFile:
    """A new file under a temporary path. All calls block; they raise OSError.

    However writing ends, `discard` or a successful `keep` has to be called.
    """

    def __init__(self, temporary: Path) -> None:
        self._temporary = temporary
        self._made: Path | None = None
        self._descriptor = _CLOSED

    def open(self) -> None:
        """Make the file, readable by this user alone, and hold a lock on it."""
        self._descriptor = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._made = self._temporary
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def write(self, data: bytes) -> None:
        """Add bytes to its end."""
        left = memoryview(data)
        while left:
            left = left[os.write(self._descriptor, left) :]

    def keep(self, path: Path) -> None:
        """Give the file its place on the same file system. It is on the disk under that name when this returns."""
        os.fsync(self._descriptor)
        os.rename(self._temporary, path)
        self._made = path
        sync_folder(path.parent)
        self._close()

    def discard(self) -> None:
        """Leave nothing of it behind, wherever it is by now."""
        with suppress(OSError):  # on a broken disk it stays, as after a crash
            if self._made is not None:
                self._made.unlink()
        with suppress(OSError):
            self._close()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, _CLOSED
        if descriptor != _CLOSED:
            os.close(descriptor)


def remove_abandoned(folder: Path) -> None:
    """Remove the files that nobody writes any more: those a crash has left, which no longer have a lock."""
    for path in folder.iterdir():
        descriptor = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
        except BlockingIOError:
            pass  # of another process that is alive, perhaps one that is just being replaced by this one
        finally:
            os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries to the disk: a file's own fsync doesn't."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
