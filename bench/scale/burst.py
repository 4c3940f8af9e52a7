"""Creates that all come at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.benchmarks.base import timed
from bench.contestants.connection import UnexpectedAnswer
from bench.percentiles import percentile
from bench.scale import bare_engine, containers
from bench.scale.crowd import Answer, Crowd
from bench.scale.figures import Figure, Outcome, Quantity, Times, Verdict
from bench.scale.services import pool_of, serving, wait_until_ready
from runtime.config import Config

SECONDS = 0.2
BEST_AT_ONCE = 4  # more at a time make no start the engine does quicker, on two processors
AT_MOST = 1.2


@dataclass(frozen=True, slots=True)
class FromPool:
    """Implements ScaleBenchmark: as many creates at once as there are sandboxes ready, beside the bare engine."""

    creates: int

    @property
    def name(self) -> str:
        """See ScaleBenchmark."""
        return f"{self.creates} creates at once, pool of {self.creates}"

    def measure(self, folder: Path) -> Outcome:
        """See ScaleBenchmark."""
        answers, _ = _burst(folder, self.creates, self.creates)
        times = [answer.seconds for answer in answers]
        verdicts = [_none_failed(answers), Verdict("p99 at most 200 ms", percentile(times, 0.99) <= SECONDS)]
        bare = bare_engine.start(Config(folder).image, self.creates, self.creates)
        return Outcome(
            [Times(self.name, "Sandlot", times, verdicts), Times(self.name, bare_engine.NAME, bare.each)],
        )


@dataclass(frozen=True, slots=True)
class BeyondPool:
    """Implements ScaleBenchmark: more creates at once than sandboxes ready.

    What is missing has to be started, and that takes its time: as long as the bare engine takes for so many containers,
    at the rate at which it starts a part of them, by as many threads as suit it best.
    """

    creates: int
    pool: int

    @property
    def name(self) -> str:
        """See ScaleBenchmark."""
        return f"{self.creates} creates at once, pool of {self.pool}"

    def measure(self, folder: Path) -> Outcome:
        """See ScaleBenchmark."""
        missing = self.creates - self.pool
        image, part = Config(folder).image, -(-missing // 4)
        before = bare_engine.start(image, part, BEST_AT_ONCE)
        answers, together = _burst(folder, self.creates, self.pool)
        after = bare_engine.start(image, part, BEST_AT_ONCE)
        bare = (before.together + after.together) / (2 * part) * missing
        bound = Verdict(f"at most {AT_MOST} times {bare_engine.NAME}", together <= AT_MOST * bare)
        figures: list[Figure] = [
            Times(self.name, "Sandlot", [answer.seconds for answer in answers], [_none_failed(answers)]),
            Times(f"{self.name}: all of them", "Sandlot", [together], [bound]),
            Times(f"{self.name}: all of them", f"{bare_engine.NAME}, the {missing} that are missing", [bare]),
            Quantity(f"{self.name}: all of them", "ratio", together / bare),
        ]
        return Outcome(figures)


def _burst(folder: Path, creates: int, pool: int) -> tuple[list[Answer], float]:
    """The answers to creates that come at once to a service with a full pool, and the seconds until the last."""
    with serving(folder, pool_of(pool)) as service, Crowd(service.port, service.api_key, creates) as crowd:
        wait_until_ready(service, pool)
        return timed(lambda: crowd.at_once([containers.CREATE] * creates))


def _none_failed(answers: list[Answer]) -> Verdict:
    return Verdict("none fails", not any(isinstance(answer.value, UnexpectedAnswer) for answer in answers))
