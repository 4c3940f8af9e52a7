"""A container, until it is there with all that it is made with."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bench.benchmarks.base import Lap, timed
from bench.contestants.sandlot_containers import SandlotContainers
from bench.goals import Goal
from bench.units import Milliseconds


class Create:
    """Implements Benchmark. What is before the request, and after its answer, is not measured."""

    name = "create a container"
    runs = 16
    in_a_row = 1
    unit = Milliseconds()
    goals: Sequence[Goal] = ()

    def prepare(self, contestant: SandlotContainers) -> Lap:
        """See Benchmark."""
        return partial(self._lap, contestant)

    def _lap(self, contestant: SandlotContainers) -> float:
        contestant.get_ready()
        container, seconds = timed(contestant.create)
        contestant.remove(container)
        return seconds
