"""From nothing to the first output of a command in a new sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bench.benchmarks.base import Lap, timed
from bench.contestants.base import MakesSandboxes
from bench.goals import Goal
from bench.units import Milliseconds


@dataclass(frozen=True, slots=True)
class FirstOutput:
    """Implements Benchmark. Getting ready before, and removing the sandbox after it, are not measured."""

    name: str
    runs: int
    goals: Sequence[Goal] = ()
    in_a_row = 1
    unit = Milliseconds()

    def prepare(self, contestant: MakesSandboxes) -> Lap:
        """See Benchmark."""
        return partial(self._lap, contestant)

    def _lap(self, contestant: MakesSandboxes) -> float:
        contestant.get_ready()
        (output, remove), seconds = timed(lambda: contestant.first_output("echo ready"))
        remove()
        if output != b"ready\n":
            raise ValueError(f"{contestant.name} gave {output!r}.")
        return seconds
