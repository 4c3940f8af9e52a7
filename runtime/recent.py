"""What is remembered for a while, and forgotten when there is newer."""

from __future__ import annotations

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def remember(recent: dict[K, V], key: K, value: V, at_most: int) -> None:
    """Put the newest into `recent`, which has the oldest first, and drop what is beyond `at_most` entries."""
    recent.pop(key, None)
    while len(recent) >= at_most:
        del recent[next(iter(recent))]
    recent[key] = value
