"""What Sandlot is to reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from bench.percentiles import Percentiles
from bench.units import MEGABYTE

SANDLOT = "Sandlot"
"""The contestant that most goals are about."""


class Goal(Protocol):
    """Something to reach, by the percentiles of one benchmark by contestant. Where it doesn't say which, it is p50."""

    @property
    def judged(self) -> str:
        """The contestant that it is about."""

    def __str__(self) -> str:
        """What it asks for."""

    def reached(self, by_name: Mapping[str, Percentiles]) -> bool:
        """Whether it is so."""


@dataclass(frozen=True, slots=True)
class AtMost:
    """At most `seconds`, of one of the percentiles."""

    seconds: float
    percentile: Literal["p50", "p95", "p99"] = "p50"
    judged: str = SANDLOT

    def __str__(self) -> str:
        return f"{self.percentile} {self.seconds * 1000:g} ms"

    def reached(self, by_name: Mapping[str, Percentiles]) -> bool:
        """See Goal."""
        return float(getattr(by_name[self.judged], self.percentile)) <= self.seconds


@dataclass(frozen=True, slots=True)
class Fastest:
    """Faster than whoever else takes part."""

    judged: str = SANDLOT

    def __str__(self) -> str:
        return "faster than all others"

    def reached(self, by_name: Mapping[str, Percentiles]) -> bool:
        """See Goal. The same service, used in other ways, is none of the others."""
        others = [times.p50 for name, times in by_name.items() if not name.startswith(SANDLOT)]
        return by_name[self.judged].p50 < min(others)


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
