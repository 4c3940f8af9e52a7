"""What the system may do with a process's memory. Sent to the sandbox with the agent, so: stdlib, Python 3.9."""

from __future__ import annotations

import contextlib
import ctypes

PR_SET_DUMPABLE = 4
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3


def close_to_others() -> None:
    """Close memory and /proc to other processes of the same user: no ptrace, no core, no open descriptors."""
    with contextlib.suppress(OSError, AttributeError):  # there are systems without this
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def keep_freed(size: int) -> None:
    """Have up to `size` bytes used again. By default the C library gives pieces of a transfer back to the kernel as
    soon as they are freed, which then makes the same memory anew for the next ones, page by page.
    """
    with contextlib.suppress(OSError, AttributeError):  # there are C libraries that can't be told
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, size // 2)
        library.mallopt(M_TRIM_THRESHOLD, size)
