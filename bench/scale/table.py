"""What was measured at scale, as one Markdown table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.percentiles import Percentiles
from bench.scale.figures import Figure, Outcome, Quantity
from bench.units import Milliseconds

HEAD = ("what", "by", "p50, or the value", "p95", "p99", "runs", "goal")


def markdown(outcomes: Iterable[Outcome]) -> str:
    """The table."""
    rows: list[Sequence[str]] = [HEAD, ("---",) * len(HEAD)]
    rows.extend(_row(figure) for outcome in outcomes for figure in outcome.figures)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(figure: Figure) -> Sequence[str]:
    verdicts = ", ".join(map(str, figure.verdicts))
    if isinstance(figure, Quantity):
        value = f"{figure.value:.{0 if figure.value >= 100 else 2}f} {figure.unit}".rstrip()
        return figure.name, figure.by, value, "", "", "", verdicts
    times, unit = Percentiles.of(figure.seconds), Milliseconds()
    shown = (unit.show(times.p50), unit.show(times.p95), unit.show(times.p99))
    return figure.name, figure.by, *shown, str(len(figure.seconds)), verdicts
