"""What was measured, as one Markdown table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from bench.goals import Goal
from bench.percentiles import Percentiles
from bench.rounds import Measured
from bench.scale.figures import Figure, Outcome, Quantity
from bench.units import Milliseconds, Unit

HEAD = ("what", "by", "p50, or the value", "p95", "p99", "runs", "speed-up over", "goal")


def markdown(measured: Iterable[Measured], outcomes: Iterable[Outcome] = ()) -> str:
    """The table. Speed-ups are of medians."""
    rows: list[Sequence[str]] = [HEAD, ("---",) * len(HEAD)]
    for one in measured:
        rows.extend(_of_contestants(one))
    rows.extend(_of_figure(figure) for outcome in outcomes for figure in outcome.figures)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _of_contestants(measured: Measured) -> Iterator[Sequence[str]]:
    by_name = measured.percentiles()
    for name, times in by_name.items():
        yield (
            measured.benchmark.name,
            name,
            *_shown(times, measured.benchmark.unit),
            str(len(measured.seconds[name])),
            ", ".join(_factor(factor, other) for other, factor in measured.speed_ups(name).items()),
            "; ".join(_verdict(goal, by_name) for goal in measured.benchmark.goals if goal.judged == name),
        )


def _of_figure(figure: Figure) -> Sequence[str]:
    verdicts = "; ".join(map(str, figure.verdicts))
    if isinstance(figure, Quantity):
        value = f"{figure.value:.{0 if figure.value >= 100 else 2}f} {figure.unit}".rstrip()
        return figure.name, figure.by, value, "", "", "", "", verdicts
    shown = _shown(Percentiles.of(figure.seconds), Milliseconds())
    return figure.name, figure.by, *shown, str(len(figure.seconds)), "", verdicts


def _shown(times: Percentiles, unit: Unit) -> Sequence[str]:
    return unit.show(times.p50), unit.show(times.p95), unit.show(times.p99)


def _factor(factor: float, other: str) -> str:
    return f"{factor:.{0 if factor >= 10 else 2}f}x {other}"


def _verdict(goal: Goal, by_name: Mapping[str, Percentiles]) -> str:
    return f"{goal}: {'reached' if goal.reached(by_name) else 'NOT reached'}"
