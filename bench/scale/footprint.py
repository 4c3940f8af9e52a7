"""What sandboxes and their service take while nothing happens."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.scale import processes
from bench.scale.figures import Figure, Quantity, Verdict
from bench.scale.services import sandboxes
from tests.service import Service

MIB = 1024**2
AT_MOST_MIB = 10.0


@dataclass(frozen=True, slots=True)
class Start:
    """How much memory there was before there were `sandboxes` more than so many."""

    sandboxes: int
    available: int

    @classmethod
    def now(cls, service: Service) -> Start:
        """With the sandboxes that the service has at the moment."""
        return cls(len(sandboxes(service)), processes.available_bytes())


def footprint(service: Service, start: Start, rest_seconds: float) -> Sequence[Figure]:
    """What all that was started since then takes, after so many seconds of rest.

    The memory is what the whole machine has less, so that the engine, its shims and the kernel are in it. That of the
    processes alone is beside it: it can't be disturbed by what else goes on.
    """
    cpu = processes.cpu_seconds(service.pid)
    time.sleep(rest_seconds)
    cpu = processes.cpu_seconds(service.pid) - cpu
    ids = sandboxes(service).values()
    each = (start.available - processes.available_bytes()) / (len(ids) - start.sandboxes) / MIB
    idle = f"{len(ids)} idle sandboxes"
    goal = Verdict(f"at most {AT_MOST_MIB:g} MiB", each <= AT_MOST_MIB)
    return [
        Quantity(f"{idle}: memory of the host for each", "Sandlot", each, "MiB", [goal]),
        Quantity(f"{idle}: processes in each", "Sandlot", _mib(processes.inside(ids)) / len(ids), "MiB"),
        Quantity(f"{idle}: the engine's process for each", "Sandlot", _mib(processes.shims(ids)) / len(ids), "MiB"),
        Quantity(f"{idle}: memory of the service", "Sandlot", _mib([service.pid]), "MiB"),
        Quantity(f"{idle}: CPU time of the service", "Sandlot", 1000 * cpu / rest_seconds, "ms/s"),
    ]


def _mib(pids: Sequence[int]) -> float:
    return sum(map(processes.resident_bytes, pids)) / MIB
