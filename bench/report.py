"""One run of all benchmarks: its table, and its figures in a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.rounds import Measured
from bench.table import markdown


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured, on what, and when."""

    measured_at: datetime
    machine: Mapping[str, str]
    measured: Sequence[Measured]

    def markdown(self) -> str:
        """The table, and below it what it was measured on."""
        machine = "; ".join(f"{name} {value}" for name, value in self.machine.items())
        return f"{markdown(self.measured)}\n\nMeasured on {self.measured_at:%Y-%m-%d}: {machine}.\n"

    def json(self) -> str:
        """Everything, with the time of each run in seconds."""
        value = {
            "measured_at": self.measured_at.isoformat(timespec="seconds"),
            "machine": dict(self.machine),
            "benchmarks": [_json(measured) for measured in self.measured],
        }
        return json.dumps(value, indent=1) + "\n"

    def write(self, folder: Path) -> None:
        """Keep both in a folder, named after the time."""
        folder.mkdir(parents=True, exist_ok=True)
        stem = self.measured_at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        (folder / f"{stem}.md").write_text(self.markdown())
        (folder / f"{stem}.json").write_text(self.json())


def _json(measured: Measured) -> dict[str, object]:
    benchmark = measured.benchmark
    by_name = measured.percentiles()
    return {
        "name": benchmark.name,
        "goals": [
            {"for": goal.judged, "goal": str(goal), "reached": goal.reached(by_name)} for goal in benchmark.goals
        ],
        "contestants": [
            {"name": name, **asdict(by_name[name]), "seconds": list(seconds)}
            for name, seconds in measured.seconds.items()
        ],
    }
