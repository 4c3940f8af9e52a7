"""One program and one server, with and without a sandbox around the program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.benchmarks.errand import Errand
from bench.contest import Contest
from bench.contestants.base import ReachesServer
from bench.contestants.https_by_haproxy import HttpsByHaproxy
from bench.contestants.https_in_sandbox import HttpsInSandbox
from bench.contestants.https_on_host import HttpsOnHost
from bench.goals import AtLeast, AtMostMore, AtMostTimes
from bench.parts.base import Sizes
from bench.rounds import Measured
from bench.scale.services import NO_POOL
from bench.site import INTERCEPTED, SPLICED, Site
from bench.units import Milliseconds, Speed
from tests.service import Service

THROUGH, WITH_SECRET, HOST = "Sandlot, spliced", "Sandlot, intercepted", "the host"


def measure(sizes: Sizes, folder: Path) -> Sequence[Measured]:
    """See Part."""
    with (
        Site(folder) as site,
        Service(folder, {**NO_POOL, **site.settings}, site.hosts) as service,
        Contest() as contest,
    ):
        reached = site, service.port, service.api_key
        clients: list[ReachesServer] = [
            HttpsInSandbox(THROUGH, SPLICED, *reached),
            HttpsInSandbox(WITH_SECRET, INTERCEPTED, *reached),
            HttpsOnHost(HOST, site.address, SPLICED, site),
            HttpsByHaproxy("HAProxy, tcp", SPLICED, site, folder),
            HttpsByHaproxy("HAProxy, TLS", INTERCEPTED, site, folder),
        ]
        everybody = [contest.enter(client) for client in clients]
        return contest.measure([*_small(sizes), *_large(sizes)], everybody, sizes.runs)


def _small(sizes: Sizes) -> list[Errand]:
    return [
        Errand(
            "HTTPS: connect, one request",
            "connect",
            100,
            10,
            Milliseconds(),
            [AtMostMore(0.002, HOST, THROUGH), AtMostMore(0.008, HOST, WITH_SECRET)],
        ),
        _many(sizes.requests, "requests", "requests on one connection"),
        _many(sizes.requests, "session", "requests by `requests`, on one connection"),
    ]


def _many(requests: int, errand: str, what: str) -> Errand:
    goals = [AtMostTimes(1.5, HOST, THROUGH), AtMostTimes(1.5, HOST, WITH_SECRET)]
    return Errand(f"HTTPS: {requests:,} {what}", f"{errand} {requests}", 8, 1, Milliseconds(), goals)


def _large(sizes: Sizes) -> list[Errand]:
    large, unit = sizes.large, Speed(sizes.large)
    goals = [AtLeast(150, large, THROUGH), AtLeast(60, large, WITH_SECRET)]
    return [
        Errand(f"HTTPS: {sizes.megabytes} MB in", f"download {large}", 8, 1, unit, goals),
        Errand(f"HTTPS: {sizes.megabytes} MB out", f"upload {large}", 8, 1, unit),
    ]
