"""The benchmark as a whole, on a real engine."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import docker

from bench.contestants.docker_options import LABEL

ROOT = Path(__file__).parents[2]
CONTESTANTS = [4] * 4 + [5] * 2 + [3] * 2 + [2] + [3] * 4
"""How many take part in each benchmark."""


def test_bench_runs_from_end_to_end(tmp_path: Path) -> None:
    """Every contestant does everything it is asked to, the figures are kept, and no container is left behind."""
    sizes = ["--runs", "2", "--megabytes", "2", "--requests", "20"]
    command = [sys.executable, "-m", "bench", *sizes, "--results", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        printed, _ = process.communicate()
    assert process.returncode == 0
    rows = [line for line in printed.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + sum(CONTESTANTS)

    (kept,) = tmp_path.glob("*.json")
    figures = json.loads(kept.read_text())
    for benchmark, contestants in zip(figures["benchmarks"], CONTESTANTS, strict=True):
        assert [len(one["seconds"]) for one in benchmark["contestants"]] == [2] * contestants
    assert kept.with_suffix(".md").read_text() in printed

    with closing(docker.from_env()) as engine:
        assert engine.containers.list(all=True, filters={"label": f"{LABEL}={process.pid}"}) == []
