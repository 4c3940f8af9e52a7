"""The same container, with and without something in it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bench.benchmarks.create import Create
from bench.contest import Contest
from bench.contestants.sandlot_containers import SandlotContainers
from bench.parts.base import Sizes
from bench.pool import SETTINGS, wait_until_full
from bench.rounds import Measured
from tests.service import Service


def measure(sizes: Sizes, folder: Path) -> Sequence[Measured]:
    """See Part."""
    with Service(folder, SETTINGS) as service, Contest() as contest:
        of_service = service.port, service.api_key, partial(wait_until_full, service)
        filled = SandlotContainers("Sandlot, with 10 files and 5 skills", *of_service, files=10, skills=5)
        empty = SandlotContainers("Sandlot, with neither", *of_service, files=0, skills=0)
        return contest.measure([Create()], [contest.enter(filled), contest.enter(empty)], sizes.runs)
