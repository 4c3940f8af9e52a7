"""What becomes of memory that a process has freed."""

from __future__ import annotations

import contextlib
import ctypes

M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3


def keep_freed(size: int) -> None:
    """Have up to `size` bytes used again. By default the C library gives pieces of a transfer back to the kernel as
    soon as they are freed, which then makes the same memory anew for the next ones, page by page.
    """
    with contextlib.suppress(OSError, AttributeError):  # there are C libraries that can't be told
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, size // 2)
        library.mallopt(M_TRIM_THRESHOLD, size)
