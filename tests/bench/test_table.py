"""How figures become a table."""

from __future__ import annotations

import pytest

from bench.benchmarks.upload import Upload
from bench.goals import AtLeast, AtMost, AtMostMore, AtMostTimes, Fastest, Goal, TimesAsFast
from bench.percentiles import Percentiles
from bench.rounds import Measured
from bench.scale.figures import Outcome, Quantity, Times, Verdict
from bench.table import markdown
from bench.units import Milliseconds, Speed

SECONDS = {"Sandlot": [0.5], "docker CLI": [1.0], "docker SDK": [0.25]}


def test_rows() -> None:
    """One row a contestant: its speed, and for Sandlot how many times as fast as others it is, and the goals."""
    upload = Upload("100 MB in", 100_000_000, 1, 1, Speed(100_000_000), [AtLeast(150, 100_000_000), Fastest()])
    head, _, *rows = markdown([Measured(upload, SECONDS)]).splitlines()
    assert head == "| what | by | p50, or the value | p95 | p99 | runs | speed-up over | goal |"
    assert rows == [
        "| 100 MB in | Sandlot | 200 MB/s | 200 MB/s | 200 MB/s | 1 | 2.00x docker CLI, 0.50x docker SDK "
        "| 150 MB/s: reached; faster than all others: NOT reached |",
        "| 100 MB in | docker CLI | 100 MB/s | 100 MB/s | 100 MB/s | 1 |  |  |",
        "| 100 MB in | docker SDK | 400 MB/s | 400 MB/s | 400 MB/s | 1 |  |  |",
    ]


def test_rows_of_what_is_at_scale() -> None:
    """Times have percentiles, quantities their unit, and both the goals they were to reach."""
    outcome = Outcome(
        [
            Times("call", "Sandlot", [0.002], [Verdict("fast", reached=True)]),
            Quantity("memory", "Sandlot", 10.5, "MiB", [Verdict("small", reached=False)]),
        ]
    )
    _, _, *rows = markdown([], [outcome]).splitlines()
    assert rows == [
        "| call | Sandlot | 2.0 ms | 2.0 ms | 2.0 ms | 1 |  | fast: reached |",
        "| memory | Sandlot | 10.50 MiB |  |  |  |  | small: NOT reached |",
    ]


@pytest.mark.parametrize(
    ("goal", "reached"),
    [
        (AtMost(0.5), True),
        (AtMost(0.4), False),
        (AtMost(0.5, "p99", "docker SDK"), True),
        (Fastest(), False),
        (Fastest("docker SDK"), False),  # a contestant isn't faster than itself
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
    """A goal is reached exactly where the figure is as good as it asks."""
    by_name = {name: Percentiles.of(seconds) for name, seconds in SECONDS.items()}
    assert goal.reached(by_name) is reached


def test_milliseconds() -> None:
    """Small times show a decimal, long ones don't."""
    assert [Milliseconds().show(seconds) for seconds in (0.00204, 0.0999, 0.2531)] == ["2.0 ms", "99.9 ms", "253 ms"]
