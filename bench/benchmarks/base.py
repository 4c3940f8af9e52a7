"""What a benchmark is."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from bench.contestants.base import Contestant
from bench.goals import Goal
from bench.units import Unit

T = TypeVar("T")
C = TypeVar("C", bound=Contestant, contravariant=True)


class Benchmark(Protocol[C]):
    """One thing that contestants of a kind can do, again and again."""

    @property
    def name(self) -> str:
        """What is done, as the table says it."""

    @property
    def runs(self) -> int:
        """How often each contestant does it."""

    @property
    def in_a_row(self) -> int:
        """How often a contestant does it before the next one has its turn."""

    @property
    def unit(self) -> Unit:
        """How its times are shown."""

    @property
    def goals(self) -> Sequence[Goal]:
        """What Sandlot is to reach."""

    def prepare(self, contestant: C) -> Lap:
        """Have everything ready that isn't measured."""


Lap = Callable[[], float]
"""Does the thing once, sees that it was done, tidies up: the seconds that the thing itself took."""


def content(size: int) -> bytes:
    """So many random bytes, all of them letters of Base64: some contestants' files are text."""
    return base64.b64encode(os.urandom(size))[:size]


def timed(action: Callable[[], T]) -> tuple[T, float]:
    """What an action gives, and the seconds it took."""
    began = time.perf_counter()
    result = action()
    return result, time.perf_counter() - began
