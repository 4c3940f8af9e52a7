"""A file of a bundle, wherever it comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self


@dataclass(frozen=True, slots=True)
class BundleFile:
    """A file with its path from the top-level folder on, as `csv-tools/SKILL.md`, and its size in bytes.

    `open` gives its content from the beginning, each time it is called; whoever calls it closes what it gives.
    """

    path: str
    size: int
    open: Callable[[], BinaryIO]

    @classmethod
    def at(cls, place: Path, path: str, size: int) -> Self:
        """A file that is on the disk."""
        return cls(path, size, lambda: place.open("rb"))
