"""How figures become a table."""

from __future__ import annotations

import pytest

from bench.benchmarks.upload import Upload
from bench.goals import AtLeast, AtMostMore, AtMostTimes, Goal, TimesAsFast
from bench.percentiles import Percentiles
from bench.rounds import Measured
from bench.table import markdown
from bench.units import Milliseconds, Speed

SECONDS = {"Sandlot": [0.5], "docker CLI": [1.0], "docker SDK": [0.25]}


def test_rows() -> None:
    """One row a contestant: its speed, how often it is faster than Docker's tools, and for Sandlot the goal."""
    upload = Upload("100 MB in", 100_000_000, 1, 1, Speed(100_000_000), [AtLeast(150, 100_000_000)])
    head, _, *rows = markdown([Measured(upload, SECONDS)]).splitlines()
    assert head == "| what | by | p50 | p95 | p99 | runs | speed-up over | goal |"
    assert rows == [
        "| 100 MB in | Sandlot | 200 MB/s | 200 MB/s | 200 MB/s | 1 | 2.00x docker CLI, 0.50x docker SDK "
        "| 150 MB/s: reached |",
        "| 100 MB in | docker CLI | 100 MB/s | 100 MB/s | 100 MB/s | 1 | 0.25x docker SDK |  |",
        "| 100 MB in | docker SDK | 400 MB/s | 400 MB/s | 400 MB/s | 1 | 4.00x docker CLI |  |",
    ]


@pytest.mark.parametrize(
    ("goal", "reached"),
    [
        (TimesAsFast(2, "docker CLI"), True),
        (TimesAsFast(2.1, "docker CLI"), False),
        (AtLeast(200, 100_000_000), True),
        (AtLeast(201, 100_000_000), False),
        (AtMostTimes(0.5, "docker CLI"), True),
        (AtMostTimes(0.4, "docker CLI"), False),
        (AtMostMore(0.25, "docker SDK"), True),
        (AtMostMore(0.24, "docker SDK"), False),
        (AtMostMore(0.5, "Sandlot", "docker CLI"), True),
        (AtMostMore(0.4, "Sandlot", "docker CLI"), False),
    ],
)
def test_goals(goal: Goal, reached: bool) -> None:
    """A goal is reached exactly where the median is as good as it asks."""
    by_name = {name: Percentiles.of(seconds) for name, seconds in SECONDS.items()}
    assert goal.reached(by_name) is reached


def test_milliseconds() -> None:
    """Small times show a decimal, long ones don't."""
    assert [Milliseconds().show(seconds) for seconds in (0.00204, 0.0999, 0.2531)] == ["2.0 ms", "99.9 ms", "253 ms"]
