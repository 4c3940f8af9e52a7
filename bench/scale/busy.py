"""Sandboxes that all work at the same time."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.scale import containers
from bench.scale.crowd import Crowd, Request
from bench.scale.figures import Outcome, Quantity, Times
from bench.scale.services import NO_POOL, serving

MAKERS = 4
WARM_UP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Busy:
    """Implements ScaleBenchmark: a caller for each sandbox, who makes one shell call after the other."""

    sandboxes: int
    seconds: float

    @property
    def name(self) -> str:
        """See ScaleBenchmark."""
        return f"{self.sandboxes} sandboxes in a loop of shell calls"

    def measure(self, folder: Path) -> Outcome:
        """See ScaleBenchmark."""
        with serving(folder, NO_POOL) as service:
            with Crowd(service.port, service.api_key, MAKERS) as makers:
                paths = containers.create(makers, self.sandboxes)
            with Crowd(service.port, service.api_key, self.sandboxes) as callers:
                _loop(callers, paths, WARM_UP_SECONDS)
                times = _loop(callers, paths, self.seconds)
        return Outcome(
            [
                Times(self.name, "Sandlot", times),
                Quantity(f"{self.name}: all together", "Sandlot", len(times) / self.seconds, "calls/s"),
            ]
        )


def _loop(callers: Crowd, paths: list[str], seconds: float) -> list[float]:
    """How long each call took that was begun in so many seconds."""
    deadline = time.monotonic() + seconds

    def script(path: str) -> Iterator[Request]:
        return itertools.takewhile(lambda _: time.monotonic() < deadline, itertools.repeat(containers.shell_call(path)))

    return containers.seconds(list(callers.talk([script(path) for path in paths])))
