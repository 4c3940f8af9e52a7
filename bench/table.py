"""What was measured, as one Markdown table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from bench.goals import Goal
from bench.percentiles import Percentiles
from bench.rounds import Measured

REFERENCES = ("docker CLI", "docker SDK", "docker attach", "plain copy", "Sandlot, with neither", "the host")
"""The contestants that the others are held against, where they take part."""

HEAD = ("what", "by", "p50", "p95", "p99", "runs", "speed-up over", "goal")


def markdown(measured: Iterable[Measured]) -> str:
    """The table. Speed-ups and goals are of medians."""
    rows: list[Sequence[str]] = [HEAD, ("---",) * len(HEAD)]
    for one in measured:
        rows.extend(_rows(one))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _rows(measured: Measured) -> Iterator[Sequence[str]]:
    by_name = measured.percentiles()
    unit, goals = measured.benchmark.unit, measured.benchmark.goals
    for name, times in by_name.items():
        yield (
            measured.benchmark.name,
            name,
            unit.show(times.p50),
            unit.show(times.p95),
            unit.show(times.p99),
            str(len(measured.seconds[name])),
            ", ".join(_speed_up(name, other, by_name) for other in REFERENCES if other in by_name and other != name),
            ", ".join(_verdict(goal, by_name) for goal in goals if goal.judged == name),
        )


def _speed_up(name: str, reference: str, by_name: Mapping[str, Percentiles]) -> str:
    factor = by_name[reference].p50 / by_name[name].p50
    return f"{factor:.{0 if factor >= 10 else 2}f}x {reference}"


def _verdict(goal: Goal, by_name: Mapping[str, Percentiles]) -> str:
    return f"{goal}: {'reached' if goal.reached(by_name) else 'NOT reached'}"
