"""What is kept of a run."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from bench.percentiles import Percentiles
from bench.report import Report
from bench.scale.figures import Outcome, Plot, Quantity, Times, Verdict
from tests.bench.measurements import MEASURED

PLOT = Plot("create", "records", {"Sandlot": {10: Percentiles(0.01, 0.02, 0.03), 100: Percentiles(0.01, 0.02, 0.03)}})
OUTCOME = Outcome(
    [Times("call", "Sandlot", [0.5], [Verdict("fast", reached=False)]), Quantity("memory", "Sandlot", 5)], [PLOT]
)


def test_a_run_is_kept(tmp_path: Path) -> None:
    """The table, both plots, and every figure with its percentiles, runs, goals and what it is held against."""
    Report(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), {"processor": "one"}, [MEASURED], [OUTCOME]).write(tmp_path)
    names = ["-distributions.png", "-growth.png", ".json", ".md"]
    assert sorted(file.name for file in tmp_path.iterdir()) == [f"20260102T030405Z{name}" for name in names]

    figures = json.loads((tmp_path / "20260102T030405Z.json").read_text())
    (create,) = figures["benchmarks"]
    assert create["goals"] == [{"for": "Sandlot", "goal": "p50 20 ms", "reached": True}]
    sandlot, docker_cli = create["contestants"]
    assert (sandlot["p50"], sandlot["runs"], sandlot["speed_up_over"]) == (0.01, 2, {"docker CLI": 40})
    assert docker_cli["seconds"] == [0.4, 0.4]
    call, memory = figures["scale"]
    assert (call["p99"], call["runs"], call["verdicts"]) == (0.5, 1, [{"goal": "fast", "reached": False}])
    assert memory["value"] == 5
