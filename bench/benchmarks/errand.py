"""Something that a program does with a server elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bench.benchmarks.base import Lap
from bench.contestants.base import ReachesServer
from bench.goals import Goal
from bench.units import Unit


@dataclass(frozen=True, slots=True)
class Errand:
    """Implements Benchmark. `errand` is as bench/https_client.py takes it, and that program does the timing."""

    name: str
    errand: str
    runs: int
    in_a_row: int
    unit: Unit
    goals: Sequence[Goal] = ()

    def prepare(self, contestant: ReachesServer) -> Lap:
        """See Benchmark."""
        return partial(contestant.run_errand, self.errand)
