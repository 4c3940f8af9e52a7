"""The engine itself, asked by Docker's SDK to start many containers."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import docker
from docker.models.containers import Container

from bench.benchmarks.base import timed
from bench.contestants.docker_options import IDLE, SDK

NAME = "docker SDK"
ENGINE_SECONDS = 120  # the longest one call may take when many are made at once
REMOVALS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Started:
    """How long each container took, and how long all of them together, in seconds."""

    each: Sequence[float]
    together: float


def start(image: str, count: int, at_once: int) -> Started:
    """Create and start containers with the limits of Sandlot's, from so many threads, and remove them again."""
    made: list[Container] = []
    with closing(docker.from_env(max_pool_size=at_once, timeout=ENGINE_SECONDS)) as engine:

        def make() -> None:
            container = engine.containers.create(image, list(IDLE), **SDK)
            made.append(container)
            container.start()

        try:
            with ThreadPoolExecutor(at_once) as threads:
                each, together = timed(lambda: list(threads.map(lambda _: timed(make)[1], range(count))))
        finally:
            with ThreadPoolExecutor(REMOVALS_AT_ONCE) as threads:
                list(threads.map(lambda container: container.remove(force=True, v=True), made))
    return Started(each, together)
