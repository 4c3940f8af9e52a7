"""What a part of the benchmark is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.rounds import Measured
from bench.units import MEGABYTE

SMALL = 1_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured: `runs` None leaves their number to each benchmark, `megabytes` is for large files."""

    runs: int | None
    megabytes: int
    requests: int

    @property
    def large(self) -> int:
        """The size of a large file in bytes."""
        return self.megabytes * MEGABYTE


Part = Callable[[Sizes, Path], Sequence[Measured]]
"""Measures, with services of its own. The folder is empty, and its own."""
