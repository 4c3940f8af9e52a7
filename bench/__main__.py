"""`python -m bench`: measure, print one table, and keep it with its figures in bench/results."""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from bench.benchmarks.base import Benchmark
from bench.benchmarks.cold_start import ColdStart
from bench.benchmarks.download import Download
from bench.benchmarks.shell_call import ShellCall
from bench.benchmarks.upload import Upload
from bench.contestants.base import Contestant
from bench.contestants.docker_cli import DockerCli
from bench.contestants.docker_sdk import DockerSdk
from bench.contestants.openai_client import OpenAIClient
from bench.contestants.sandlot import Sandlot
from bench.goals import AtLeast
from bench.machine import describe
from bench.report import Report
from bench.rounds import measure
from bench.units import MEGABYTE, Milliseconds, Speed
from runtime.config import Config
from tests.service import Service

RESULTS = Path(__file__).parent / "results"
SMALL = 1_000
GOAL = 150  # MB/s


def main() -> None:
    """Measure everything."""
    asked = _arguments()
    began = datetime.now(UTC)
    machine = describe()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sandlot-bench-")))
        service = stack.enter_context(Service(folder))
        contestants = [stack.enter_context(contestant) for contestant in _contestants(service, folder)]
        measured = []
        for benchmark in _benchmarks(asked.megabytes):
            print(f"{benchmark.name} ...", file=sys.stderr, flush=True)
            measured.append(measure(benchmark, contestants, asked.runs or benchmark.runs))
    report = Report(began, machine, measured)
    print(report.markdown())
    report.write(asked.results)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Sandlot against Docker itself.")
    parser.add_argument("--runs", type=int, help="runs of each benchmark (each has a number of its own)")
    parser.add_argument("--megabytes", type=int, default=100, help="size of the large file (100)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where table and figures are kept")
    return parser.parse_args()


def _contestants(service: Service, folder: Path) -> list[Contestant]:
    """All ways to do the same, on the same image."""
    image = Config(folder).image
    return [
        Sandlot(service.port, service.api_key),
        OpenAIClient(service.base_url, service.api_key),
        DockerCli(image, folder),
        DockerSdk(image),
    ]


def _benchmarks(megabytes: int) -> list[Benchmark]:
    """What is measured, in the order of the table."""
    large = megabytes * MEGABYTE
    moved, goal = Speed(large), AtLeast(GOAL, large)
    return [
        ColdStart(),
        ShellCall(),
        Upload("1 KB file in", SMALL, 50, 5, Milliseconds()),
        Download("1 KB file out", SMALL, 50, 5, Milliseconds()),
        Upload(f"{megabytes} MB file in", large, 10, 1, moved, goal),
        Download(f"{megabytes} MB file out", large, 10, 1, moved, goal),
    ]


if __name__ == "__main__":
    main()
