"""One run of all benchmarks: its table, its figures in a file, and its plots."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench.percentiles import Percentiles
from bench.plots import draw_distributions, draw_growth
from bench.rounds import Measured
from bench.scale.figures import Figure, Outcome, Times
from bench.table import markdown


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured, on what, and when; it grows as a run goes on."""

    measured_at: datetime
    machine: Mapping[str, str]
    measured: list[Measured]
    outcomes: list[Outcome] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    """Parts that came to no end, and why."""

    def markdown(self) -> str:
        """The table, and below it what it was measured on."""
        machine = "; ".join(f"{name} {value}" for name, value in self.machine.items())
        table = markdown(self.measured, self.outcomes)
        failed = "".join(f"\n\nThe part {part} failed: {why}" for part, why in self.failures.items())
        return f"{table}{failed}\n\nMeasured on {self.measured_at:%Y-%m-%d}: {machine}.\n"

    def json(self) -> str:
        """Everything, with the time of each run in seconds."""
        value = {
            "measured_at": self.measured_at.isoformat(timespec="seconds"),
            "machine": dict(self.machine),
            "benchmarks": [_of_contestants(measured) for measured in self.measured],
            "failures": dict(self.failures),
            "scale": [_of_figure(figure) for outcome in self.outcomes for figure in outcome.figures],
        }
        return json.dumps(value, indent=1) + "\n"

    def write(self, folder: Path) -> None:
        """Keep both, and the plots, in a folder, named after the time."""
        folder.mkdir(parents=True, exist_ok=True)
        stem = self.measured_at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        (folder / f"{stem}.md").write_text(self.markdown())
        (folder / f"{stem}.json").write_text(self.json())
        if drawn := [measured for measured in self.measured if measured.seconds]:
            draw_distributions(drawn, folder / f"{stem}-distributions.png")
        if plots := [plot for outcome in self.outcomes for plot in outcome.plots]:
            draw_growth(plots, folder / f"{stem}-growth.png")


def _of_contestants(measured: Measured) -> dict[str, object]:
    benchmark = measured.benchmark
    by_name = measured.percentiles()
    return {
        "name": benchmark.name,
        "goals": [
            {"for": goal.judged, "goal": str(goal), "reached": measured.reached(goal)} for goal in benchmark.goals
        ],
        "failures": dict(measured.failures),
        "contestants": [
            {
                "name": name,
                **asdict(by_name[name]),
                "runs": len(seconds),
                "speed_up_over": measured.speed_ups(name),
                "seconds": list(seconds),
            }
            for name, seconds in measured.seconds.items()
        ],
    }


def _of_figure(figure: Figure) -> dict[str, object]:
    value = asdict(figure)
    if isinstance(figure, Times):
        value |= {**asdict(Percentiles.of(figure.seconds)), "runs": len(figure.seconds)}
    return value
