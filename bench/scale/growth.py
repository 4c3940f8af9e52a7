"""What a service's records cost: the same things done with ten of them and with thousands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from bench.benchmarks.base import Lap
from bench.goals import Goal
from bench.percentiles import Percentiles, percentile
from bench.rounds import Measured, measure
from bench.scale.figures import Outcome, Plot, Times, Verdict
from bench.scale.grown import Grown
from bench.units import Milliseconds

AT_MOST = 1.3


@dataclass(frozen=True, slots=True)
class Use:
    """Implements Benchmark, for services with records."""

    name: str
    lap: Callable[[Grown], float]
    runs: int
    in_a_row: int

    unit = Milliseconds()
    goals: ClassVar[Sequence[Goal]] = ()

    def prepare(self, contestant: Grown) -> Lap:
        """See Benchmark."""
        return partial(self.lap, contestant)


@dataclass(frozen=True, slots=True)
class Growth:
    """Implements ScaleBenchmark: services with so many records (`counts`, the least first) take turns.

    The records are of expired containers, since those of running ones need their sandboxes.
    """

    counts: Sequence[int]
    creates: int
    runs: int

    @property
    def name(self) -> str:
        """See ScaleBenchmark."""
        return f"up to {self.counts[-1]:,} records"

    def measure(self, folder: Path) -> Outcome:
        """See ScaleBenchmark."""
        uses = [
            Use("create a container, warm", Grown.create, self.creates, 1),
            Use("list containers", Grown.list_latest, self.runs, 10),
            Use("list containers, from the middle", Grown.list_middle, self.runs, 10),
            Use("retrieve a container", Grown.retrieve, self.runs, 10),
            Use("shell call, `true`", Grown.run, self.runs, 10),
        ]
        with ExitStack() as stack:
            services = [stack.enter_context(Grown(folder / str(count), count)) for count in self.counts]
            measured = [measure(use, services, use.runs) for use in uses]
        plot = Plot("What records cost", "records", {one.benchmark.name: self._line(one) for one in measured})
        return Outcome([times for one in measured for times in _times(one)], [plot])

    def _line(self, measured: Measured) -> dict[int, Percentiles]:
        return dict(zip(self.counts, measured.percentiles().values(), strict=True))


def _times(measured: Measured) -> Iterator[Times]:
    """The figures, and for most records whether they cost little."""
    (least, few), *others, (most, many) = measured.seconds.items()
    factor = percentile(many, 0.5) / percentile(few, 0.5)
    verdict = Verdict(f"p50 at most {AT_MOST} times that of {least}", factor <= AT_MOST)
    yield Times(measured.benchmark.name, most, many, [verdict])
    for name, seconds in reversed([(least, few), *others]):
        yield Times(measured.benchmark.name, name, seconds)
