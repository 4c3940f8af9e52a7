"""What is said of a series of measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Seconds that half, 95 % and 99 % of the runs stayed below."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Self:
        """Of at least one measurement."""
        return cls(*(percentile(seconds, share) for share in (0.50, 0.95, 0.99)))


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of `values` stays below, interpolated between neighbours; 0.5 gives the median."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
