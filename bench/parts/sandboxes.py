"""Sandboxes, and what one would have instead of Sandlot's: on the same image, with the same limits if it takes any."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bench.benchmarks.base import Benchmark
from bench.benchmarks.delete import Delete
from bench.benchmarks.download import Download
from bench.benchmarks.first_output import FirstOutput
from bench.benchmarks.shell_call import ShellCall
from bench.benchmarks.upload import Upload
from bench.contest import Contest
from bench.contestants.base import RunsCommands
from bench.contestants.docker_attach import DockerAttach
from bench.contestants.docker_cli import DockerCli
from bench.contestants.docker_sdk import DockerSdk
from bench.contestants.llm_sandbox import GIVES_FILES, LlmSandbox
from bench.contestants.llm_sandbox_pool import LlmSandboxPool
from bench.contestants.openai_agents import OpenAIAgents
from bench.contestants.openai_client import OpenAIClient
from bench.contestants.sandlot import Sandlot
from bench.contestants.swe_rex import SweRex
from bench.goals import AtLeast, AtMost, AtMostTimes, Fastest, TimesAsFast
from bench.parts.base import SMALL, Sizes
from bench.pool import SETTINGS, wait_until_full
from bench.rounds import Measured
from bench.scale.services import NO_POOL
from bench.units import Milliseconds, Speed
from runtime.config import Config
from tests.service import Service

COLD = "Sandlot, no pool"

AGAINST_ALL = FirstOutput(
    "create a sandbox, first output",
    24,
    [TimesAsFast(30, "docker CLI"), Fastest(), AtMostTimes(1.15, "docker SDK", COLD)],
)
POOLED = FirstOutput("create a sandbox, first output: a full pool", 100, [AtMost(0.008), AtMost(0.025, "p99")])


def measure(sizes: Sizes, folder: Path) -> Sequence[Measured]:
    """See Part."""
    image = Config(folder).image
    with (
        Service(_made(folder / "pooled"), SETTINGS) as pooled,
        Service(_made(folder / "cold"), NO_POOL) as cold,
        Contest() as contest,
    ):
        enter, measured = contest.enter, contest.measure
        sandlot = [enter(contestant) for contestant in _sandlot(pooled)]
        docker: list[RunsCommands] = [enter(DockerCli(image, folder)), enter(DockerSdk(image))]
        agents = enter(OpenAIAgents(image))
        llm = enter(LlmSandbox(image, folder))
        llm_out = [llm] if GIVES_FILES else []
        swe_rex = enter(SweRex(folder))
        without_pool = enter(Sandlot(COLD, cold.port, cold.api_key, lambda: None))
        llm_pool = enter(LlmSandboxPool(image))
        attach = enter(DockerAttach(image))
        everybody = [*sandlot, *docker, agents, llm, swe_rex]
        return [
            *measured([AGAINST_ALL], [*everybody, llm_pool, without_pool], sizes.runs),
            *measured([POOLED, *_alone()], sandlot[:1], sizes.runs),
            *measured([Delete()], [*sandlot, *docker], sizes.runs),
            *measured(_of_all(), everybody, sizes.runs),
            *measured([_small_out()], [*sandlot, *docker, agents, *llm_out, swe_rex], sizes.runs),
            *measured([_large_in(sizes)], [*everybody, attach], sizes.runs),
            # The client of openai-agents needs minutes to read such a file: it joins what comes piece by piece.
            *measured([_large_out(sizes)], [*sandlot, *docker, *llm_out, swe_rex, attach], sizes.runs),
        ]


def _sandlot(service: Service) -> list[RunsCommands]:
    """Both ways to use the service."""
    get_ready = partial(wait_until_full, service)
    return [
        Sandlot("Sandlot", service.port, service.api_key, get_ready),
        OpenAIClient(service.base_url, service.api_key, get_ready),
    ]


def _alone() -> list[Benchmark[RunsCommands]]:
    """What has to be done within a time, one after the other: there is nobody else to take turns with."""
    goals = [AtMost(0.003)]
    return [
        ShellCall("shell call, `true`: Sandlot alone", 500, 100, [AtMost(0.002), AtMost(0.006, "p99")]),
        Upload("1 KB file in: Sandlot alone", SMALL, 200, 100, Milliseconds(), goals),
        Download("1 KB file out: Sandlot alone", SMALL, 200, 100, Milliseconds(), goals),
    ]


def _of_all() -> list[Benchmark[RunsCommands]]:
    """What everybody can do."""
    factors = [TimesAsFast(35, "docker CLI"), TimesAsFast(25, "docker SDK"), TimesAsFast(2, "swe-rex")]
    return [
        ShellCall("shell call, `true`", 150, 10, factors),
        Upload("1 KB file in", SMALL, 50, 5, Milliseconds()),
    ]


def _small_out() -> Download:
    return Download("1 KB file out", SMALL, 50, 5, Milliseconds())


def _large_in(sizes: Sizes) -> Upload:
    goals = [AtLeast(200, sizes.large)]
    return Upload(f"{sizes.megabytes} MB file in", sizes.large, 10, 1, Speed(sizes.large), goals)


def _large_out(sizes: Sizes) -> Download:
    goals = [AtLeast(250, sizes.large)]
    return Download(f"{sizes.megabytes} MB file out", sizes.large, 10, 1, Speed(sizes.large), goals)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
