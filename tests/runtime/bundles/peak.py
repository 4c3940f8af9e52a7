"""How much memory Python holds at most while something happens, not counting what it held before."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def peak() -> Iterator[Callable[[], int]]:
    """Trace every allocation, and tell afterwards how many bytes there were at most.

    A process's size would not do here: it hides what fits into memory that earlier tests have left free.
    """
    most = 0
    tracemalloc.start()
    try:
        yield lambda: most
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
