"""Running the contestants against each other."""

from __future__ import annotations

import random
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bench.benchmarks.base import Benchmark, Lap
from bench.contestants.base import Contestant
from bench.goals import Goal
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
    "HAProxy, tcp",
    "HAProxy, TLS",
)
"""The contestants that the others are held against, where they take part."""

PAUSE_SECONDS = 0.05
"""Before a turn: the engine goes on tidying up after a `docker exec` has returned, at the next one's cost."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The times of one benchmark, in seconds, by the contestants' names; and why others have none."""

    benchmark: Benchmark[Any]
    seconds: Mapping[str, Sequence[float]]
    failures: Mapping[str, str] = field(default_factory=dict)

    def percentiles(self) -> dict[str, Percentiles]:
        """The same, summed up."""
        return {name: Percentiles.of(seconds) for name, seconds in self.seconds.items()}

    def speed_ups(self, name: str) -> dict[str, float]:
        """How many times as fast a contestant is as each reference, by the medians. Nothing for a reference itself."""
        if name in REFERENCES:
            return {}
        medians = {name: times.p50 for name, times in self.percentiles().items()}
        return {other: medians[other] / medians[name] for other in REFERENCES if other in medians}

    def reached(self, goal: Goal) -> bool | None:
        """Whether a goal is; None when it speaks of somebody who has failed."""
        try:
            return goal.reached(self.percentiles())
        except (LookupError, ValueError):
            return None


def measure(benchmark: Benchmark[C], contestants: Sequence[C], runs: int) -> Measured:
    """A turn each, again and again, so that whatever else the machine does meets all alike.

    Who comes after whom changes from round to round, in the same way each time: what one leaves the machine to do isn't
    always the same one's burden. The first runs don't count: they fill caches. A single one does, as it is. Whoever
    fails takes no further part.
    """
    failures: dict[str, str] = {}
    laps: dict[str, Lap] = {}
    for contestant in contestants:
        with taking_part(contestant.name, failures):
            laps[contestant.name] = benchmark.prepare(contestant)
            if runs > 1:
                laps[contestant.name]()
    seconds: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
    order = random.Random(benchmark.name)  # noqa: S311 - nobody has to be surprised
    deadline = time.monotonic() + MAX_SECONDS
    for number, turn in enumerate(turns(runs, benchmark.in_a_row)):
        if number >= MIN_ROUNDS and time.monotonic() > deadline:
            break
        for name in shuffled([name for name in laps if name not in failures], order):
            time.sleep(PAUSE_SECONDS)
            with taking_part(name, failures):
                seconds[name].extend(laps[name]() for _ in range(turn))
    through = {name: times for name, times in seconds.items() if name not in failures}
    return Measured(benchmark, through, failures)


@contextmanager
def taking_part(name: str, failures: dict[str, str]) -> Iterator[None]:
    """Note what goes wrong for a contestant: the others' figures are worth something without its own."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is
        traceback.print_exc()
        failures[name] = f"{type(error).__name__}: {error}".splitlines()[0]


def turns(runs: int, in_a_row: int) -> list[int]:
    """How many of the `runs` are in each turn."""
    return [min(in_a_row, runs - done) for done in range(0, runs, in_a_row)]


def shuffled(names: Sequence[str], order: random.Random) -> list[str]:
    """The names in another order."""
    return order.sample(names, len(names))
