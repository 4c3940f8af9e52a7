"""`python -m bench`: measure, print one table, and keep it with its figures in bench/results."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from bench.benchmarks.base import Benchmark
from bench.benchmarks.cold_start import ColdStart
from bench.benchmarks.create import Create
from bench.benchmarks.download import Download
from bench.benchmarks.errand import Errand
from bench.benchmarks.shell_call import ShellCall
from bench.benchmarks.upload import Upload
from bench.contestants.base import KeepsFiles, ReachesServer, RunsCommands
from bench.contestants.docker_attach import DockerAttach
from bench.contestants.docker_cli import DockerCli
from bench.contestants.docker_sdk import DockerSdk
from bench.contestants.https_in_sandbox import HttpsInSandbox
from bench.contestants.https_on_host import HttpsOnHost
from bench.contestants.openai_client import OpenAIClient
from bench.contestants.openai_files import OpenAIFiles
from bench.contestants.plain_copy import PlainCopy
from bench.contestants.sandlot import Sandlot
from bench.contestants.sandlot_containers import SandlotContainers
from bench.contestants.sandlot_files import SandlotFiles
from bench.goals import AtLeast, AtMostMore, AtMostTimes
from bench.machine import describe
from bench.report import Report
from bench.rounds import measure_all
from bench.site import INTERCEPTED, SPLICED, Site
from bench.units import MEGABYTE, Milliseconds, Speed
from runtime.config import Config
from tests.service import Service

RESULTS = Path(__file__).parent / "results"
SMALL = 1_000
GOAL = 150  # MB/s
THROUGH, WITH_SECRET = "Sandlot, spliced", "Sandlot, intercepted"


def main() -> None:
    """Measure everything."""
    asked = _arguments()
    began = datetime.now(UTC)
    machine = describe()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sandlot-bench-")))
        site = stack.enter_context(Site(folder))
        service = stack.enter_context(Service(folder, site.settings, site.hosts))
        sandboxes = [stack.enter_context(contestant) for contestant in _sandboxes(service, folder)]
        attach = stack.enter_context(DockerAttach(Config(folder).image))
        stores = [stack.enter_context(contestant) for contestant in _stores(service, folder)]
        makers = [stack.enter_context(contestant) for contestant in _makers(service)]
        clients = [stack.enter_context(contestant) for contestant in _clients(service, site)]
        measured = [
            *measure_all(_of_sandboxes(), sandboxes, asked.runs),
            *measure_all(_of_streams(asked.megabytes), [*sandboxes, attach], asked.runs),
            *measure_all(_of_stores(asked.megabytes), stores, asked.runs),
            *measure_all([Create()], makers, asked.runs),
            *measure_all(_of_clients(asked.requests, asked.megabytes), clients, asked.runs),
        ]
    report = Report(began, machine, measured)
    print(report.markdown())
    report.write(asked.results)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Sandlot against Docker itself.")
    parser.add_argument("--runs", type=int, help="runs of each benchmark (each has a number of its own)")
    parser.add_argument("--megabytes", type=int, default=100, help="size of the large file (100)")
    parser.add_argument("--requests", type=int, default=1000, help="requests on one connection (1000)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where table and figures are kept")
    return parser.parse_args()


def _sandboxes(service: Service, folder: Path) -> list[RunsCommands]:
    """All ways to use a sandbox, on the same image."""
    image = Config(folder).image
    return [
        Sandlot(service.port, service.api_key),
        OpenAIClient(service.base_url, service.api_key),
        DockerCli(image, folder),
        DockerSdk(image),
    ]


def _stores(service: Service, folder: Path) -> list[KeepsFiles]:
    """All ways to keep files, on the same disk."""
    return [
        SandlotFiles(service.port, service.api_key),
        OpenAIFiles(service.base_url, service.api_key),
        PlainCopy(folder),
    ]


def _makers(service: Service) -> list[SandlotContainers]:
    """The same container, with and without something in it."""
    return [
        SandlotContainers("Sandlot, with 10 files and 5 skills", service.port, service.api_key, files=10, skills=5),
        SandlotContainers("Sandlot, with neither", service.port, service.api_key, files=0, skills=0),
    ]


def _clients(service: Service, site: Site) -> list[ReachesServer]:
    """One program and one server, with and without a sandbox around the program."""
    reached = service.port, service.api_key
    return [
        HttpsInSandbox(THROUGH, SPLICED, site, *reached),
        HttpsInSandbox(WITH_SECRET, INTERCEPTED, site, *reached),
        HttpsOnHost(site),
    ]


def _of_sandboxes() -> list[Benchmark[RunsCommands]]:
    """What is measured of sandboxes, in the order of the table."""
    return [
        ColdStart(),
        ShellCall(),
        Upload("1 KB file in", SMALL, 50, 5, Milliseconds()),
        Download("1 KB file out", SMALL, 50, 5, Milliseconds()),
    ]


def _of_streams(megabytes: int) -> list[Benchmark[KeepsFiles]]:
    """What is measured of ways into a sandbox and out of it."""
    large = megabytes * MEGABYTE
    moved, goals = Speed(large), [AtLeast(GOAL, large)]
    return [
        Upload(f"{megabytes} MB file in", large, 10, 1, moved, goals),
        Download(f"{megabytes} MB file out", large, 10, 1, moved, goals),
    ]


def _of_stores(megabytes: int) -> list[Benchmark[KeepsFiles]]:
    """What is measured of places that keep files."""
    large = megabytes * MEGABYTE
    return [
        Upload(f"{megabytes} MB to `/v1/files`", large, 10, 1, Speed(large)),
        Download(f"{megabytes} MB from `/v1/files`", large, 10, 1, Speed(large)),
    ]


def _of_clients(requests: int, megabytes: int) -> list[Errand]:
    """What is measured of ways out of a sandbox."""
    large = megabytes * MEGABYTE
    host = HttpsOnHost.name
    return [
        Errand(
            "HTTPS: connect, one request",
            "connect",
            100,
            10,
            Milliseconds(),
            [AtMostMore(0.002, host, THROUGH), AtMostMore(0.008, host, WITH_SECRET)],
        ),
        Errand(
            f"HTTPS: {requests:,} requests on one connection",
            f"requests {requests}",
            8,
            1,
            Milliseconds(),
            [AtMostTimes(1.5, host, THROUGH), AtMostTimes(1.5, host, WITH_SECRET)],
        ),
        Errand(
            f"HTTPS: {megabytes} MB in",
            f"download {large}",
            8,
            1,
            Speed(large),
            [AtLeast(150, large, THROUGH), AtLeast(60, large, WITH_SECRET)],
        ),
        Errand(f"HTTPS: {megabytes} MB out", f"upload {large}", 8, 1, Speed(large)),
    ]


if __name__ == "__main__":
    main()
