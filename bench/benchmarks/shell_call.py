"""A shell command in a sandbox that runs: there and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bench.benchmarks.base import Lap, timed
from bench.contestants.base import RunsCommands
from bench.goals import Goal
from bench.units import Milliseconds


@dataclass(frozen=True, slots=True)
class ShellCall:
    """Implements Benchmark, with the command that does nothing."""

    name: str
    runs: int
    in_a_row: int
    goals: Sequence[Goal] = ()
    unit = Milliseconds()

    def prepare(self, contestant: RunsCommands) -> Lap:
        """See Benchmark."""
        return partial(self._lap, contestant)

    def _lap(self, contestant: RunsCommands) -> float:
        output, seconds = timed(lambda: contestant.run("true"))
        if output:
            raise ValueError(f"{contestant.name} gave {output!r}.")
        return seconds
