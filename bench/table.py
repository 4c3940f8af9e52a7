"""What was measured, as one Markdown table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

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
    benchmark = measured.benchmark
    for name, times in measured.percentiles().items():
        yield (
            benchmark.name,
            name,
            *_shown(times, benchmark.unit),
            str(len(measured.seconds[name])),
            ", ".join(_factor(factor, other) for other, factor in measured.speed_ups(name).items()),
            _verdicts(measured, name),
        )
    for name, failure in measured.failures.items():
        yield benchmark.name, name, f"failed: {failure.replace('|', '/')}", "", "", "", "", _verdicts(measured, name)


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


def _verdicts(measured: Measured, name: str) -> str:
    """What became of the goals of a contestant."""
    said = {True: "reached", False: "NOT reached", None: "not measured"}
    goals = [goal for goal in measured.benchmark.goals if goal.judged == name]
    return "; ".join(f"{goal}: {said[measured.reached(goal)]}" for goal in goals)
