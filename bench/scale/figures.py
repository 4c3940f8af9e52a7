"""What a benchmark at scale tells: figures, whether they are as they ought to be, and series to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bench.percentiles import Percentiles


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a figure was to reach, and whether it does."""

    goal: str
    reached: bool

    def __str__(self) -> str:
        return f"{self.goal}: {'reached' if self.reached else 'NOT reached'}"


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took, in seconds, each time that `by` did it; at least once."""

    name: str
    by: str
    seconds: Sequence[float]
    verdicts: Sequence[Verdict] = ()


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number, in `unit`: `MiB`, `calls/s`, or none for a bare ratio or count."""

    name: str
    by: str
    value: float
    unit: str = ""
    verdicts: Sequence[Verdict] = ()


Figure: TypeAlias = Times | Quantity


@dataclass(frozen=True, slots=True)
class Plot:
    """Times against how many of something there are (`along`): for each line by its name, times by that number."""

    title: str
    along: str
    lines: Mapping[str, Mapping[int, Percentiles]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that one benchmark tells."""

    figures: Sequence[Figure]
    plots: Sequence[Plot] = ()
