"""Sandboxes that are there and idle: what they take, and what creates and shell calls take beside them."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.percentiles import Percentiles, percentile
from bench.scale import bare_engine, containers
from bench.scale.crowd import Crowd
from bench.scale.figures import Figure, Outcome, Plot, Times, Verdict
from bench.scale.footprint import Start, footprint
from bench.scale.services import NO_POOL, pool_of, serving, wait_until_ready
from runtime.config import Config
from tests.service import Service

MAKERS = 4
POOL = 2
AT_MOST = 1.2
SAME = "shell call, always in the same"


@dataclass(frozen=True, slots=True)
class Live:
    """Implements ScaleBenchmark: at each of `counts` sandboxes so many `creates` and shell `calls`, one at a time.

    Cold creates are another service's, which has no sandbox ready and removes each at once.
    """

    counts: Sequence[int]
    creates: int
    calls: int
    rest_seconds: float

    @property
    def name(self) -> str:
        """See ScaleBenchmark."""
        return f"{self.counts[-1]} live sandboxes"

    def measure(self, folder: Path) -> Outcome:
        """See ScaleBenchmark."""
        with (
            serving(folder / "cold", NO_POOL) as other,
            serving(folder / "warm", pool_of(POOL)) as service,
            Crowd(service.port, service.api_key, MAKERS) as makers,
        ):
            wait_until_ready(service, POOL)
            start = Start.now(service)
            taken: dict[str, dict[int, list[float]]] = defaultdict(dict)
            paths: list[str] = []
            for count in self.counts:
                paths += containers.create(makers, count - len(paths))
                wait_until_ready(service, POOL)
                taken["create, warm"][count] = self._creates(service, POOL)
                taken["create, cold"][count] = self._creates(other, 0)
                taken["docker SDK: create, start"][count] = self._bare(folder)
                taken[SAME][count] = self._calls(service, paths[:1])
                taken["shell call, in each in turn"][count] = self._calls(service, paths)
            figures = footprint(service, start, self.rest_seconds)
            containers.delete(makers, paths[1:])
            wait_until_ready(service, POOL)
            taken[SAME][self.counts[0]] += self._calls(service, paths[:1])
        return Outcome([*figures, *self._figures(taken[SAME])], [_plot(taken)])

    def _creates(self, service: Service, pool: int) -> list[float]:
        """The times of creates, each of which finds so many sandboxes ready."""
        times = []
        with Crowd(service.port, service.api_key, 1) as caller:
            for _ in range(self.creates):
                (answer,) = caller.at_once([containers.CREATE])
                path = containers.path(answer)
                containers.delete(caller, [path])
                wait_until_ready(service, pool)
                times.append(answer.seconds)
        return times

    def _bare(self, folder: Path) -> list[float]:
        """The times of the bare engine, which has as many containers as it has then."""
        return list(bare_engine.start(Config(folder).image, self.creates, at_once=1).each)

    def _calls(self, service: Service, paths: Sequence[str]) -> list[float]:
        """The times of shell calls in all containers in turn."""
        calls = [containers.shell_call(path) for path in itertools.islice(itertools.cycle(paths), self.calls)]
        with Crowd(service.port, service.api_key, 1) as caller:
            return containers.seconds(caller.shared(calls))

    def _figures(self, calls: dict[int, list[float]]) -> list[Figure]:
        few, many = self.counts[0], self.counts[-1]
        factor = percentile(calls[many], 0.5) / percentile(calls[few], 0.5)
        verdict = Verdict(f"p50 at most {AT_MOST} times that of {few}", factor <= AT_MOST)
        return [
            Times(SAME, f"{many} live sandboxes", calls[many], [verdict]),
            Times(SAME, f"{few} live", calls[few]),
        ]


def _plot(taken: dict[str, dict[int, list[float]]]) -> Plot:
    lines = {
        line: {count: Percentiles.of(seconds) for count, seconds in by_count.items()}
        for line, by_count in taken.items()
    }
    return Plot("Creates and shell calls", "live sandboxes", lines)
