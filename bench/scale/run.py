"""All benchmarks at scale, one after the other."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.scale.base import ScaleBenchmark
from bench.scale.burst import BeyondPool, FromPool
from bench.scale.busy import Busy
from bench.scale.figures import Outcome
from bench.scale.growth import Growth
from bench.scale.live import Live
from bench.scale.neighbour import Neighbour

FULL: Sequence[ScaleBenchmark] = (
    FromPool(creates=50),
    BeyondPool(creates=100, pool=20),
    Busy(sandboxes=32, seconds=10),
    Neighbour(turns=6, calls=50),
    Live(counts=(1, 10, 50, 100, 200), creates=4, calls=200, rest_seconds=10),
    Growth(counts=(10, 100, 1_000, 10_000), creates=12, runs=150),
)
"""What the figures are of. Five minutes; 200 sandboxes and more at a time."""

SMALL: Sequence[ScaleBenchmark] = (
    FromPool(creates=2),
    BeyondPool(creates=3, pool=1),
    Busy(sandboxes=3, seconds=1),
    Neighbour(turns=1, calls=5),
    Live(counts=(1, 3), creates=1, calls=6, rest_seconds=0.5),
    Growth(counts=(10, 50), creates=1, runs=10),
)
"""The same with few, to see that it works."""


def measure_all(benchmarks: Sequence[ScaleBenchmark], folder: Path) -> Iterator[Outcome]:
    """Do them, each in a folder of its own below `folder`."""
    for number, benchmark in enumerate(benchmarks):
        print(f"{benchmark.name} ...", file=sys.stderr, flush=True)
        own = folder / f"scale-{number}"
        own.mkdir()
        yield benchmark.measure(own)
