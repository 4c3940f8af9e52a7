"""The folder that callers see (`/mnt/data`), reached without ever following a symbolic link.

Code in the sandbox may change the tree at any moment. So each step is taken relative to the one before, by
descriptor, and what isn't a plain file or folder is not there.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator

from runtime.agent.channel import RequestFailed

# Not O_DIRECTORY: with it gVisor follows a link in spite of O_NOFOLLOW. What isn't a folder can't be gone through.
FOLDER = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
MAX_DEPTH = 64
MAX_PATH = 4096  # bytes of a path below the root; a longer one is no use to anybody, and the host takes none


class Tree:
    """A folder and everything below it. Paths are relative to it, `a/b.txt`, and travel as text."""

    def __init__(self, root: str) -> None:
        self._root = root
        self.hidden: set[str] = set()  # names in the root that aren't listed: files that aren't whole yet

    def at(self, name: str) -> str:
        """The full path of a name in the root, to make a new file there."""
        return os.path.join(self._root, name)

    @contextlib.contextmanager
    def folder_of(self, path: str) -> Iterator[tuple[int, bytes]]:
        """A descriptor of the folder that holds `path`, and the name in it."""
        *folders, name = os.fsencode(path).split(b"/")
        if any(part in (b"", b".", b"..") for part in (*folders, name)):
            raise RequestFailed("not_found", "No such file.")
        with _missing_is_not_found():
            fd = os.open(self._root, FOLDER)
        try:
            for folder in folders:
                with _missing_is_not_found():
                    below = os.open(folder, FOLDER, dir_fd=fd)
                os.close(fd)
                fd = below
            yield fd, name
        finally:
            os.close(fd)

    def open(self, path: str) -> tuple[int, os.stat_result]:
        """A descriptor to read a plain file with, and its status."""
        with self.folder_of(path) as (folder, name), _missing_is_not_found():
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            os.close(fd)
            raise RequestFailed("not_found", "No such file.")
        return fd, status

    def remove(self, path: str) -> None:
        """Remove a file."""
        with self.folder_of(path) as (folder, name), _missing_is_not_found():
            os.unlink(name, dir_fd=folder)

    def files(self) -> Iterator[tuple[str, os.stat_result]]:
        """All plain files with their status, as they are found; the order is the file system's.

        Those whose path is too long, or leads too deep, are left out.
        """
        with contextlib.suppress(OSError):
            for path, status in _walk(os.open(self._root, FOLDER), "", 0):
                if path not in self.hidden:
                    yield path, status


def _walk(folder: int, prefix: str, depth: int) -> Iterator[tuple[str, os.stat_result]]:
    """The files in and below a folder, whose descriptor is closed at the end."""
    try:
        folders = []
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):  # gone since
                    status = entry.stat(follow_symlinks=False)
                    if len(os.fsencode(prefix + entry.name)) > MAX_PATH:
                        continue
                    if stat.S_ISREG(status.st_mode):
                        yield prefix + entry.name, status
                    elif stat.S_ISDIR(status.st_mode):
                        folders.append(entry.name)
        if depth < MAX_DEPTH:
            for name in folders:
                with contextlib.suppress(OSError):
                    below = os.open(name, FOLDER, dir_fd=folder)
                    yield from _walk(below, f"{prefix}{name}/", depth + 1)
    finally:
        os.close(folder)


@contextlib.contextmanager
def _missing_is_not_found() -> Iterator[None]:
    """What can't be reached isn't there, in the link's words."""
    try:
        yield
    except (OSError, ValueError):  # the latter: a null, which no path has
        raise RequestFailed("not_found", "No such file.") from None
