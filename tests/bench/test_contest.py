"""What becomes of those who can't even begin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

from bench.contest import Contest
from bench.goals import Goal
from bench.units import Milliseconds


class Starts:
    """A contestant that gets what it needs, if it does, and gives it back."""

    def __init__(self, name: str, *, ready: bool) -> None:
        self.name = name
        self.ended = False
        self._ready = ready

    def __enter__(self) -> Self:
        if not self._ready:
            raise OSError("There is no such program.")
        return self

    def __exit__(self, *_: object) -> None:
        self.ended = True


@dataclass
class Quick:
    """A benchmark that nobody who has begun fails at."""

    name: str
    runs: int = 1
    in_a_row: int = 1
    unit: Milliseconds = field(default_factory=Milliseconds)
    goals: Sequence[Goal] = ()

    def prepare(self, contestant: Starts) -> Callable[[], float]:
        """See Benchmark."""
        return lambda: float(len(contestant.name))


def test_one_that_cannot_begin() -> None:
    """It fails in each benchmark, by what it failed at; the others have their figures, and are ended."""
    with Contest() as contest:
        there, missing, other = (
            contest.enter(Starts(name, ready=name != "missing")) for name in ("there", "missing", "other")
        )
        of_all = contest.measure([Quick("first"), Quick("second")], [there, missing])
        of_others = contest.measure([Quick("third")], [other])
        assert not there.ended
    assert [dict(measured.seconds) for measured in (*of_all, *of_others)] == [
        {"there": [5]},
        {"there": [5]},
        {"other": [5]},
    ]
    reason = {"missing": "OSError: There is no such program."}
    assert [dict(measured.failures) for measured in (*of_all, *of_others)] == [reason, reason, {}]
    assert (there.ended, missing.ended, other.ended) == (True, False, True)
