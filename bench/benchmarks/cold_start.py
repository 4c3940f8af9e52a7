"""From nothing to the first output of a command in a new sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bench.benchmarks.base import Lap, timed
from bench.contestants.base import RunsCommands
from bench.goals import Goal
from bench.units import Milliseconds


class ColdStart:
    """Implements Benchmark. Removing the sandbox is not measured."""

    name = "create a sandbox, first output (cold)"
    runs = 16
    in_a_row = 1
    unit = Milliseconds()
    goals: Sequence[Goal] = ()

    def prepare(self, contestant: RunsCommands) -> Lap:
        """See Benchmark."""
        return partial(self._lap, contestant)

    def _lap(self, contestant: RunsCommands) -> float:
        (output, remove), seconds = timed(lambda: contestant.first_output("echo ready"))
        remove()
        if output != b"ready\n":
            raise ValueError(f"{contestant.name} gave {output!r}.")
        return seconds
