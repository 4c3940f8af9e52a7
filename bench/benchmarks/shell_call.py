"""A shell command in a sandbox that runs: there and back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bench.benchmarks.base import Lap, timed
from bench.contestants.base import RunsCommands
from bench.goals import AtMost, Goal, TimesAsFast
from bench.units import Milliseconds


class ShellCall:
    """Implements Benchmark, with the command that does nothing."""

    name = "shell call, `true`"
    runs = 150
    in_a_row = 10
    unit = Milliseconds()
    goals: Sequence[Goal] = (
        AtMost(0.002),
        AtMost(0.006, "p99"),
        TimesAsFast(35, "docker CLI"),
        TimesAsFast(25, "docker SDK"),
        TimesAsFast(2, "swe-rex"),
    )

    def prepare(self, contestant: RunsCommands) -> Lap:
        """See Benchmark."""
        return partial(self._lap, contestant)

    def _lap(self, contestant: RunsCommands) -> float:
        output, seconds = timed(lambda: contestant.run("true"))
        if output:
            raise ValueError(f"{contestant.name} gave {output!r}.")
        return seconds
