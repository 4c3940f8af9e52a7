"""A file out of a place for files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.benchmarks.base import Lap, content, timed
from bench.contestants.base import KeepsFiles
from bench.goals import Goal
from bench.units import Unit


@dataclass(frozen=True, slots=True)
class Download:
    """Implements Benchmark. `size` is in bytes."""

    name: str
    size: int
    runs: int
    in_a_row: int
    unit: Unit
    goals: Sequence[Goal] = ()

    def prepare(self, contestant: KeepsFiles) -> Lap:
        """See Benchmark."""
        expected = content(self.size)
        file = f"out-{self.size}.bin"
        contestant.upload(file, expected)()

        def lap() -> float:
            look, seconds = timed(lambda: contestant.download(file))
            if look() != expected:
                raise ValueError(f"{contestant.name}: the file came back as another.")
            return seconds

        return lap
