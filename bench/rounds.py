"""Running the contestants against each other."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.benchmarks.base import Benchmark
from bench.contestants.base import Contestant
from bench.percentiles import Percentiles

MAX_SECONDS = 30.0
"""After that a benchmark begins no further round: on a busy machine fewer runs have to do."""

MIN_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Measured:
    """The times of one benchmark, in seconds, by the contestants' names."""

    benchmark: Benchmark
    seconds: Mapping[str, Sequence[float]]

    def percentiles(self) -> dict[str, Percentiles]:
        """The same, summed up."""
        return {name: Percentiles.of(seconds) for name, seconds in self.seconds.items()}


def measure(benchmark: Benchmark, contestants: Sequence[Contestant], runs: int) -> Measured:
    """One run each in turn, again and again, so that whatever else the machine does meets all alike.

    Who begins changes from round to round. The first round doesn't count: it fills caches.
    """
    laps = {contestant.name: benchmark.prepare(contestant) for contestant in contestants}
    for lap in laps.values():
        lap()
    seconds: dict[str, list[float]] = {name: [] for name in laps}
    names = list(laps)
    deadline = time.monotonic() + MAX_SECONDS
    for number in range(runs):
        if number >= MIN_ROUNDS and time.monotonic() > deadline:
            break
        for name in rotated(names, number):
            seconds[name].append(laps[name]())
    return Measured(benchmark, seconds)


def rotated(names: Sequence[str], number: int) -> list[str]:
    """The names, beginning with another one for every number."""
    begin = number % len(names)
    return [*names[begin:], *names[:begin]]
