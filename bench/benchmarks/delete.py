"""Removing a sandbox in which a command has run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bench.benchmarks.base import Lap, timed
from bench.contestants.base import MakesSandboxes
from bench.goals import AtMost, Goal
from bench.units import Milliseconds


class Delete:
    """Implements Benchmark: how long whoever wants it removed has to wait."""

    name = "delete a sandbox"
    runs = 30
    in_a_row = 1
    unit = Milliseconds()
    goals: Sequence[Goal] = (AtMost(0.020, "p99"),)

    def prepare(self, contestant: MakesSandboxes) -> Lap:
        """See Benchmark."""
        return partial(self._lap, contestant)

    def _lap(self, contestant: MakesSandboxes) -> float:
        contestant.get_ready()
        _, remove = contestant.first_output("true")
        _, seconds = timed(remove)
        return seconds
