"""The benchmark as a whole, on a real engine, with everybody who takes part."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import docker

from bench.contestants.docker_options import LABEL
from bench.contestants.llm_sandbox import GIVES_FILES

ROOT = Path(__file__).parents[2]

GIVERS = 7 if GIVES_FILES else 6

PARTS = {
    "sandboxes": [9, 1, 1, 1, 1, 4, 7, 7, GIVERS, 8, GIVERS],
    "files": [3, 3],
    "creates": [2],
    "network": [5, 5, 5, 5, 5],
}
"""How many contestants each benchmark has. What is at scale is tried out by test_scale."""


def test_bench_runs_from_end_to_end(tmp_path: Path) -> None:
    """Every contestant does everything it is asked to, the figures are kept, and no container is left behind."""
    sizes = ["--runs", "1", "--megabytes", "2", "--requests", "20"]
    command = [sys.executable, "-m", "bench", *PARTS, *sizes, "--results", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        printed, _ = process.communicate()
    assert process.returncode == 0
    contestants = [count for counts in PARTS.values() for count in counts]
    rows = [line for line in printed.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + sum(contestants)

    (kept,) = tmp_path.glob("*.json")
    figures = json.loads(kept.read_text())
    for benchmark, count in zip(figures["benchmarks"], contestants, strict=True):
        assert [len(one["seconds"]) for one in benchmark["contestants"]] == [1] * count
    assert kept.with_suffix(".md").read_text() in printed
    assert (tmp_path / f"{kept.stem}-distributions.png").stat().st_size > 0

    with closing(docker.from_env()) as engine:
        assert engine.containers.list(all=True, filters={"label": f"{LABEL}={process.pid}"}) == []
