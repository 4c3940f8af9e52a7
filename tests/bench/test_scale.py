"""The benchmarks at scale, with few."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import docker
import pytest

from bench.contestants.docker_options import LABEL
from bench.scale import containers, processes
from bench.scale.base import ScaleBenchmark
from bench.scale.crowd import Crowd
from bench.scale.run import FULL, SMALL, measure_all
from bench.scale.services import NO_POOL, sandboxes, serving
from runtime.sandboxes import INSTANCE_LABEL
from tests.service import Service

MIB = 1024**2


@pytest.mark.parametrize("benchmark", SMALL, ids=lambda benchmark: type(benchmark).__name__)
def test_benchmarks_run_from_end_to_end(benchmark: ScaleBenchmark, tmp_path: Path) -> None:
    """Each gives figures and lines to draw, and leaves no container behind."""
    (outcome,) = measure_all([benchmark], tmp_path)
    assert outcome.figures
    assert all(len(points) > 1 for plot in outcome.plots for points in plot.lines.values())
    assert _left_behind(tmp_path) == []


def test_small_and_full_are_the_same() -> None:
    """What is measured is also tried out."""
    assert list(map(type, SMALL)) == list(map(type, FULL))


def test_what_is_seen_of_sandboxes(tmp_path: Path) -> None:
    """The processes of a sandbox are found and what they take, and it goes with its service whatever happens."""

    def fail(service: Service) -> None:
        with Crowd(service.port, service.api_key, 1) as caller:
            containers.create(caller, 1)
        ids = sandboxes(service).values()
        inside, shims = processes.inside(ids), processes.shims(ids)
        assert (len(ids), len(shims)) == (1, 1)
        assert inside
        assert all(MIB / 10 < processes.resident_bytes(pid) < 100 * MIB for pid in [*inside, *shims])
        assert 0 < processes.cpu_seconds(service.pid) < 100
        raise InterruptedError

    with pytest.raises(InterruptedError), serving(tmp_path, NO_POOL) as service:
        fail(service)
    assert _left_behind(tmp_path) == []


def _left_behind(folder: Path) -> Sequence[str]:
    """What the engine has of services with their data below a folder, or of benchmarks in this process."""
    labels = [f"{LABEL}={os.getpid()}"]
    for file in folder.rglob("sandlot.db"):
        with closing(sqlite3.connect(file)) as database:
            labels += [f"{INSTANCE_LABEL}={id_}" for (id_,) in database.execute("SELECT id FROM installation")]
    assert len(labels) > 1
    with closing(docker.from_env()) as engine:
        return [found["Id"] for label in labels for found in engine.api.containers(all=True, filters={"label": label})]
