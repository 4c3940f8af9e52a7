"""A blob's file that is being read, a piece at a time."""

from __future__ import annotations

import os
from io import FileIO
from pathlib import Path

from runtime.errors import NotFound
from runtime.pieces import PIECE


class OutgoingFile:
    """The bytes of a file from `start` up to `end`, or to its own end. All calls block; they raise OSError.

    It closes itself with the last piece, so that a small file takes one call: the way to a thread and back takes much
    longer than reading it. Whoever doesn't read to the end calls `close`.
    """

    def __init__(self, path: Path, start: int, end: int | None) -> None:
        self._path = path
        self._start = start
        self._end = end
        self._left = 0
        self._file: FileIO | None = None

    @property
    def is_open(self) -> bool:
        """Whether there may be more to read, and something to close."""
        return self._file is not None

    def open(self) -> bytes:
        """Open the file: its first piece, nothing when there is none. Raises NotFound."""
        try:
            self._file = FileIO(self._path)
        except FileNotFoundError:
            raise NotFound(f"There is no blob {self._path.name}.") from None
        size = os.fstat(self._file.fileno()).st_size
        self._left = (size if self._end is None else min(self._end, size)) - self._start
        self._file.seek(self._start)
        return self.read()

    def read(self) -> bytes:
        """The next piece of an open file: PIECE bytes, or what is left."""
        assert self._file is not None  # noqa: S101 - what `is_open` tells
        data = self._file.read(min(PIECE, max(0, self._left)))
        self._left -= len(data)
        if not data or self._left <= 0:
            self.close()
        return data

    def close(self) -> None:
        """Read no more; idempotent."""
        file, self._file = self._file, None
        if file is not None:
            file.close()  # frees the disk's space if the file was removed meanwhile: that takes time
