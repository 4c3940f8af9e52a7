"""The requests on files: write, read, list, remove."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator
from itertools import islice

from runtime.agent.channel import Channel, Request, RequestFailed
from runtime.agent.tree import Tree
from runtime.link.frames import Json

BATCH = 128  # files listed at a time, so that a large folder doesn't hold up everything else
MAX_NAME = 255  # bytes, as file systems have it


class Write(Request):
    """Puts a new file into the tree: whole or not at all, and never over one that is there."""

    def __init__(self, channel: Channel, tree: Tree, header: Json) -> None:
        self._channel = channel
        self._tree = tree
        self._name: str = header["name"]
        self._size = 0
        self._staged = f".{os.urandom(8).hex()}.part"
        with _writing():
            self._fd = os.open(tree.at(self._staged), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        tree.hidden.add(self._staged)

    def receive(self, data: bytes) -> None:
        """A piece of the file."""
        with _writing():
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        self._size += len(data)

    def end(self) -> None:
        """The file is whole: give it its name, or one like it where that one is taken."""
        with _writing():
            name = self._link()
        self.abort()
        self._channel.reply({"path": name, "size": self._size})
        self.finished = True
        self._channel.wake()

    def abort(self) -> None:
        """Leave nothing behind but a finished file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            with contextlib.suppress(OSError):
                os.unlink(self._tree.at(self._staged))
            self._tree.hidden.discard(self._staged)

    def _link(self) -> str:
        for name in _names_like(self._name):
            with contextlib.suppress(FileExistsError):
                os.link(self._tree.at(self._staged), self._tree.at(name))
                return name
        raise RequestFailed("storage_full", "Too many files of that name.")


class Read(Request):
    """Answers with a file's bytes: as many as it had when it was opened."""

    def __init__(self, channel: Channel, tree: Tree, header: Json) -> None:
        self._fd, status = tree.open(header["path"])
        self._left = status.st_size
        channel.reply({"size": status.st_size})
        self.finished = self._left == 0
        channel.wake()

    def produce(self, limit: int) -> bytes:
        """The next piece of the file."""
        if self._left == 0:
            self.abort()
            return b""
        data = os.read(self._fd, min(limit, self._left))
        if not data:
            raise RequestFailed("changed", "The file became shorter while it was read.")
        self._left -= len(data)
        self.finished = self._left == 0
        return data

    def abort(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class List(Request):
    """Answers with files, as lines of JSON: path, size, time of the last change in seconds.

    They are up to `limit`, and as many as have paths of up to `path_bytes` together.
    """

    def __init__(self, channel: Channel, tree: Tree, header: Json) -> None:
        self._files = _within(header["path_bytes"], islice(tree.files(), header["limit"]))
        self._rest = b""
        channel.reply({})
        channel.wake()

    def produce(self, limit: int) -> bytes:
        """The next lines, or parts of them."""
        if not self._rest and not self.finished:
            lines = [
                json.dumps([path, status.st_size, int(status.st_mtime)]).encode("ascii")
                for path, status in islice(self._files, BATCH)
            ]
            self.finished = not lines
            self._rest = b"".join(line + b"\n" for line in lines)
        body, self._rest = self._rest[:limit], self._rest[limit:]
        return body

    def abort(self) -> None:
        """Stop looking."""
        self._rest = b""
        self._files = iter(())


class Remove(Request):
    """Removes a file."""

    def __init__(self, channel: Channel, tree: Tree, header: Json) -> None:
        tree.remove(header["path"])
        channel.reply({})
        self.finished = True
        channel.wake()


def _within(path_bytes: int, files: Iterator[tuple[str, os.stat_result]]) -> Iterator[tuple[str, os.stat_result]]:
    """The first files, up to that many bytes of paths."""
    for path, status in files:
        path_bytes -= len(os.fsencode(path))
        if path_bytes < 0:
            return
        yield path, status


def _names_like(name: str) -> Iterator[str]:
    """`report.csv`, then `report-1.csv`, `report-2.csv`, ..., none longer than a file system takes."""
    yield name
    stem, extension = os.path.splitext(name)
    for number in range(1, 10_000):
        suffix = f"-{number}{extension}"
        room = MAX_NAME - len(os.fsencode(suffix))
        yield os.fsencode(stem)[:room].decode("utf-8", "ignore") + suffix


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """Errors of the file system, in the link's words."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise RequestFailed("storage_full", "There is no room left in the container.") from None
        raise RequestFailed("not_writable", f"The file can't be written: {error.strerror}.") from None
