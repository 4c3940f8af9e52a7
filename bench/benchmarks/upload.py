"""A file into a place for files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.benchmarks.base import Lap, content, timed
from bench.contestants.base import KeepsFiles
from bench.goals import Goal
from bench.units import Unit

FILE = "in.bin"


@dataclass(frozen=True, slots=True)
class Upload:
    """Implements Benchmark. `size` is in bytes."""

    name: str
    size: int
    runs: int
    in_a_row: int
    unit: Unit
    goals: Sequence[Goal] = ()

    def prepare(self, contestant: KeepsFiles) -> Lap:
        """See Benchmark."""
        upload = contestant.upload(FILE, content(self.size))

        def lap() -> float:
            _, seconds = timed(upload)
            arrived = contestant.discard(FILE)
            if arrived != self.size:
                raise ValueError(f"{contestant.name}: {arrived} of {self.size} bytes arrived.")
            return seconds

        return lap
