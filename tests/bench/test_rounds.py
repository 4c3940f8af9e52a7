"""Whose turn it is, and what becomes of those who fail."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

import pytest

from bench import rounds as rounds_module
from bench.goals import Fastest, Goal, TimesAsFast
from bench.rounds import measure, shuffled, turns
from bench.table import markdown
from bench.units import Milliseconds


def test_turns() -> None:
    """The runs are dealt out in turns; the last has what is left."""
    assert turns(25, 10) == [10, 10, 5]
    assert turns(2, 10) == [2]
    assert turns(3, 1) == [1, 1, 1]


def test_everyone_comes_after_everyone() -> None:
    """A round leaves nobody out, nobody always follows the same one, and the next run has the same order."""
    names = ["a", "b", "c"]
    order, again = (random.Random("x") for _ in range(2))  # noqa: S311 - as there
    found = [shuffled(names, order) for _ in range(50)]
    assert found == [shuffled(names, again) for _ in range(50)]
    assert all(sorted(one) == names for one in found)
    assert {pair for one in found for pair in itertools.pairwise(one)} == set(itertools.permutations(names, 2))


class Named:
    """A contestant."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@dataclass
class Fails:
    """A benchmark in which some can't be prepared, and some fail in their third lap."""

    unprepared: Sequence[str]
    unlucky: Sequence[str]
    name: str = "what some can't"
    runs: int = 4
    in_a_row: int = 1
    unit: Milliseconds = field(default_factory=Milliseconds)
    goals: Sequence[Goal] = (Fastest("a"), TimesAsFast(2, "docker CLI", "a"))

    def prepare(self, contestant: Named) -> Callable[[], float]:
        """See Benchmark."""
        if contestant.name in self.unprepared:
            raise ValueError("no | image\nat all")
        laps = itertools.count()

        def lap() -> float:
            if next(laps) == 3 and contestant.name in self.unlucky:
                raise OSError("It has gone.")
            return 0.5

        return lap


def test_one_that_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It has a row that says so, the others have their figures, and nothing is said of goals that speak of it."""
    monkeypatch.setattr(rounds_module, "PAUSE_SECONDS", 0)
    measured = measure(Fails(["docker CLI"], ["b"]), [Named(name) for name in ("a", "docker CLI", "b", "c")], 4)
    assert dict(measured.seconds) == {"a": [0.5] * 4, "c": [0.5] * 4}
    assert capsys.readouterr().err.count("Traceback") == 2
    _, _, *rows = markdown([measured]).splitlines()
    assert rows == [
        "| what some can't | a | 500 ms | 500 ms | 500 ms | 4 |  "
        "| faster than all others: NOT reached; 2x docker CLI: not measured |",
        "| what some can't | c | 500 ms | 500 ms | 500 ms | 4 |  |  |",
        "| what some can't | docker CLI | failed: ValueError: no / image |  |  |  |  |  |",
        "| what some can't | b | failed: OSError: It has gone. |  |  |  |  |  |",
    ]
