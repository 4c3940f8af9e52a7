"""Files that one process holds at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class HeldElsewhere(Exception):
    """Another process holds the file, or another part of this one."""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a file, which is made if need be and stays. Raises HeldElsewhere, and OSError.

    The lock is the kernel's: it ends with the process, however that ends.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HeldElsewhere from None
        yield
    finally:
        os.close(descriptor)
