"""Places that keep files, on the same disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.benchmarks.base import Benchmark
from bench.benchmarks.download import Download
from bench.benchmarks.upload import Upload
from bench.contest import Contest
from bench.contestants.base import KeepsFiles
from bench.contestants.openai_files import OpenAIFiles
from bench.contestants.plain_copy import PlainCopy
from bench.contestants.sandlot_files import SandlotFiles
from bench.parts.base import Sizes
from bench.rounds import Measured
from bench.scale.services import NO_POOL
from bench.units import Speed
from tests.service import Service


def measure(sizes: Sizes, folder: Path) -> Sequence[Measured]:
    """See Part."""
    with Service(folder, NO_POOL) as service, Contest() as contest:
        stores: list[KeepsFiles] = [
            contest.enter(SandlotFiles(service.port, service.api_key)),
            contest.enter(OpenAIFiles(service.base_url, service.api_key)),
            contest.enter(PlainCopy(folder)),
        ]
        return contest.measure(_benchmarks(sizes), stores, sizes.runs)


def _benchmarks(sizes: Sizes) -> list[Benchmark[KeepsFiles]]:
    large, unit = sizes.large, Speed(sizes.large)
    return [
        Upload(f"{sizes.megabytes} MB to `/v1/files`", large, 10, 1, unit),
        Download(f"{sizes.megabytes} MB from `/v1/files`", large, 10, 1, unit),
    ]
