"""A sandbox beside one that takes all the processor time it gets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.contestants.connection import Connection
from bench.percentiles import percentile
from bench.scale import containers
from bench.scale.crowd import Crowd
from bench.scale.figures import Outcome, Times, Verdict
from bench.scale.services import NO_POOL, serving

HOG = "while :; do :; done"
AT_MOST = 1.5


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Implements ScaleBenchmark: shell calls in one sandbox, in turns with and without a hog in another."""

    turns: int
    calls: int

    name = "shell call, beside a sandbox that computes"

    def measure(self, folder: Path) -> Outcome:
        """See ScaleBenchmark."""
        quiet: list[float] = []
        loud: list[float] = []
        with serving(folder, NO_POOL) as service, Crowd(service.port, service.api_key, 1) as caller:
            measured, hog = containers.create(caller, 2)
            calls = [containers.shell_call(measured)] * self.calls
            caller.shared(calls)
            for _ in range(self.turns):
                quiet += containers.seconds(caller.shared(calls))
                with _computing(Connection(service.port, service.api_key), hog):
                    loud += containers.seconds(caller.shared(calls))
        factor = percentile(loud, 0.5) / percentile(quiet, 0.5)
        verdict = Verdict(f"p50 at most {AT_MOST} times that without", factor <= AT_MOST)
        return Outcome([Times(self.name, "with it", loud, [verdict]), Times(self.name, "without it", quiet)])


@contextmanager
def _computing(connection: Connection, container: str) -> Iterator[None]:
    """A command that keeps one container busy."""
    body = {"commands": [HOG], "background": True}
    call = connection.json("POST", f"{container}/shell_calls", body)["id"]
    try:
        yield
    finally:
        connection.json("POST", f"{container}/shell_calls/{call}/cancel")
        connection.close()
