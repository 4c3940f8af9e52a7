"""One run of all benchmarks: its table, its figures in a file, and its plots."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.percentiles import Percentiles
from bench.plots import draw_distributions, draw_growth
from bench.rounds import Measured
from bench.scale.figures import Figure, Outcome, Times
from bench.table import markdown


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured, on what, and when."""

    measured_at: datetime
    machine: Mapping[str, str]
    measured: Sequence[Measured]
    outcomes: Sequence[Outcome] = ()

    def markdown(self) -> str:
        """The table, and below it what it was measured on."""
        machine = "; ".join(f"{name} {value}" for name, value in self.machine.items())
        table = markdown(self.measured, self.outcomes)
        return f"{table}\n\nMeasured on {self.measured_at:%Y-%m-%d}: {machine}.\n"

    def json(self) -> str:
        """Everything, with the time of each run in seconds."""
        value = {
            "measured_at": self.measured_at.isoformat(timespec="seconds"),
            "machine": dict(self.machine),
            "benchmarks": [_of_contestants(measured) for measured in self.measured],
            "scale": [_of_figure(figure) for outcome in self.outcomes for figure in outcome.figures],
        }
        return json.dumps(value, indent=1) + "\n"

    def write(self, folder: Path) -> None:
        """Keep both, and the plots, in a folder, named after the time."""
        folder.mkdir(parents=True, exist_ok=True)
        stem = self.measured_at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        (folder / f"{stem}.md").write_text(self.markdown())
        (folder / f"{stem}.json").write_text(self.json())
        if self.measured:
            draw_distributions(self.measured, folder / f"{stem}-distributions.png")
        if plots := [plot for outcome in self.outcomes for plot in outcome.plots]:
            draw_growth(plots, folder / f"{stem}-growth.png")


def _of_contestants(measured: Measured) -> dict[str, object]:
    benchmark = measured.benchmark
    by_name = measured.percentiles()
    return {
        "name": benchmark.name,
        "goals": [
            {"for": goal.judged, "goal": str(goal), "reached": goal.reached(by_name)} for goal in benchmark.goals
        ],
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
