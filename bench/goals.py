"""What Sandlot's median is to reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bench.percentiles import Percentiles
from bench.units import MEGABYTE

JUDGED = "Sandlot"
"""The contestant that goals are about."""


class Goal(Protocol):
    """Something to reach, on the medians of one benchmark by contestant."""

    def __str__(self) -> str:
        """What it asks for."""

    def reached(self, by_name: Mapping[str, Percentiles]) -> bool:
        """Whether it is so."""


@dataclass(frozen=True, slots=True)
class TimesAsFast:
    """At least `factor` times as fast as another contestant."""

    factor: float
    other: str

    def __str__(self) -> str:
        return f"{self.factor:g}x {self.other}"

    def reached(self, by_name: Mapping[str, Percentiles]) -> bool:
        """See Goal."""
        return by_name[self.other].p50 / by_name[JUDGED].p50 >= self.factor


@dataclass(frozen=True, slots=True)
class AtLeast:
    """At least `speed` MB/s in moving `size` bytes."""

    speed: float
    size: int

    def __str__(self) -> str:
        return f"{self.speed:g} MB/s"

    def reached(self, by_name: Mapping[str, Percentiles]) -> bool:
        """See Goal."""
        return self.size / MEGABYTE / by_name[JUDGED].p50 >= self.speed
