"""Files that one process holds at a time."""

from __future__ import annotations

import fcntl
import os
from io import FileIO
from pathlib import Path


class HeldElsewhere(Exception):
    """Another process holds the file, or another part of this one."""


def held(path: Path) -> FileIO:
    """The file, held until it is closed. It is made if need be, and stays.

    The lock is the kernel's: it ends with the process, however that ends. Raises HeldElsewhere, and OSError.
    """
    file = FileIO(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        if isinstance(error, BlockingIOError):
            raise HeldElsewhere from None
        raise
    return file
