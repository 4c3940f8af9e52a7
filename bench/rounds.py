"""Running the contestants against each other."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bench.benchmarks.base import Benchmark
from bench.contestants.base import Contestant
from bench.percentiles import Percentiles

C = TypeVar("C", bound=Contestant)

MAX_SECONDS = 120.0
"""After that a benchmark begins no further round: on a busy machine fewer runs have to do."""

MIN_ROUNDS = 2

REFERENCES = (
    "docker CLI",
    "docker SDK",
    "openai-agents",
    "llm-sandbox",
    "llm-sandbox, pool",
    "swe-rex",
    "docker attach",
    "plain copy",
    "Sandlot, with neither",
    "the host",
)
"""The contestants that the others are held against, where they take part."""

PAUSE_SECONDS = 0.05
"""Before a turn: the engine goes on tidying up after a `docker exec` has returned, at the next one's cost."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The times of one benchmark, in seconds, by the contestants' names."""

    benchmark: Benchmark[Any]
    seconds: Mapping[str, Sequence[float]]

    def percentiles(self) -> dict[str, Percentiles]:
        """The same, summed up."""
        return {name: Percentiles.of(seconds) for name, seconds in self.seconds.items()}

    def speed_ups(self, name: str) -> dict[str, float]:
        """How many times as fast a contestant is as each reference, by the medians. Nothing for a reference itself."""
        if name in REFERENCES:
            return {}
        medians = {name: times.p50 for name, times in self.percentiles().items()}
        return {other: medians[other] / medians[name] for other in REFERENCES if other in medians}


def measure_all(
    benchmarks: Sequence[Benchmark[C]], contestants: Sequence[C], runs: int | None = None
) -> list[Measured]:
    """Run benchmarks one after the other, each as often as it says itself if `runs` doesn't."""
    measured = []
    for benchmark in benchmarks:
        print(f"{benchmark.name} ...", file=sys.stderr, flush=True)
        measured.append(measure(benchmark, contestants, runs or benchmark.runs))
    return measured


def measure(benchmark: Benchmark[C], contestants: Sequence[C], runs: int) -> Measured:
    """A turn each, again and again, so that whatever else the machine does meets all alike.

    Who begins changes from round to round. The first runs don't count: they fill caches. A single one does, as it is.
    """
    laps = {contestant.name: benchmark.prepare(contestant) for contestant in contestants}
    if runs > 1:
        for lap in laps.values():
            lap()
    seconds: dict[str, list[float]] = {name: [] for name in laps}
    deadline = time.monotonic() + MAX_SECONDS
    for number, turn in enumerate(turns(runs, benchmark.in_a_row)):
        if number >= MIN_ROUNDS and time.monotonic() > deadline:
            break
        for name in rotated(list(laps), number):
            time.sleep(PAUSE_SECONDS)
            seconds[name].extend(laps[name]() for _ in range(turn))
    return Measured(benchmark, seconds)


def turns(runs: int, in_a_row: int) -> list[int]:
    """How many of the `runs` are in each turn."""
    return [min(in_a_row, runs - done) for done in range(0, runs, in_a_row)]


def rotated(names: Sequence[str], number: int) -> list[str]:
    """The names, beginning with another one for every number."""
    begin = number % len(names)
    return [*names[begin:], *names[:begin]]
