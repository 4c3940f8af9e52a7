"""Who takes part in a part of the benchmark."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Self, TypeVar

from bench.benchmarks.base import Benchmark
from bench.contestants.base import Contestant
from bench.rounds import Measured, measure, taking_part

C = TypeVar("C", bound=Contestant)


class Contest:
    """Contestants that have what they need, until its end; and why others haven't."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._absent: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def enter(self, contestant: C) -> C:
        """Let a contestant get what it needs. One that fails at that fails in each benchmark, and the others go on."""
        with taking_part(contestant.name, self._absent):
            self._stack.enter_context(contestant)
        return contestant

    def measure(
        self, benchmarks: Sequence[Benchmark[C]], contestants: Sequence[C], runs: int | None = None
    ) -> list[Measured]:
        """Run benchmarks one after the other, each as often as it says itself if `runs` doesn't."""
        here = [contestant for contestant in contestants if contestant.name not in self._absent]
        absent = {one.name: self._absent[one.name] for one in contestants if one.name in self._absent}
        measured = []
        for benchmark in benchmarks:
            print(f"{benchmark.name} ...", file=sys.stderr, flush=True)
            found = measure(benchmark, here, runs or benchmark.runs)
            measured.append(replace(found, failures={**absent, **found.failures}))
        return measured
