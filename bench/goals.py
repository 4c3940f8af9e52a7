"""What the medians of Sandlot are to reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bench.percentiles import Percentiles
from bench.units import MEGABYTE

SANDLOT = "Sandlot"
"""The contestant that most goals are about."""


class Goal(Protocol):
    """Something to reach, on the medians of one benchmark by contestant."""

    @property
    def judged(self) -> str:
        """The contestant that it is about."""

    def __str__(self) -> str:
        """What it asks for."""

    def reached(self, by_name: Mapping[str, Percentiles]) -> bool:
        """Whether it is so."""


@dataclass(frozen=True, slots=True)
class TimesAsFast:
    """At least `factor` times as fast as another contestant."""

    factor: float
    other: str
    judged: str = SANDLOT

    def __str__(self) -> str:
        return f"{self.factor:g}x {self.other}"

    def reached(self, by_name: Mapping[str, Percentiles]) -> bool:
        """See Goal."""
        return by_name[self.other].p50 / by_name[self.judged].p50 >= self.factor


@dataclass(frozen=True, slots=True)
class AtMostTimes:
    """At most `factor` times the time of another contestant."""

    factor: float
    other: str
    judged: str = SANDLOT

    def __str__(self) -> str:
        return f"at most {self.factor:g} times {self.other}"

    def reached(self, by_name: Mapping[str, Percentiles]) -> bool:
        """See Goal."""
        return by_name[self.judged].p50 <= self.factor * by_name[self.other].p50


@dataclass(frozen=True, slots=True)
class AtMostMore:
    """At most `seconds` more than another contestant takes."""

    seconds: float
    other: str
    judged: str = SANDLOT

    def __str__(self) -> str:
        return f"at most {self.seconds * 1000:g} ms more than {self.other}"

    def reached(self, by_name: Mapping[str, Percentiles]) -> bool:
        """See Goal."""
        return by_name[self.judged].p50 - by_name[self.other].p50 <= self.seconds


@dataclass(frozen=True, slots=True)
class AtLeast:
    """At least `speed` MB/s in moving `size` bytes."""

    speed: float
    size: int
    judged: str = SANDLOT

    def __str__(self) -> str:
        return f"{self.speed:g} MB/s"

    def reached(self, by_name: Mapping[str, Percentiles]) -> bool:
        """See Goal."""
        return self.size / MEGABYTE / by_name[self.judged].p50 >= self.speed
