"""The arithmetic of the benchmarks."""

from __future__ import annotations

import statistics
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.percentiles import Percentiles, percentile

seconds = st.lists(st.floats(0, 1e6), min_size=1, max_size=50)


def test_percentiles_of_a_hundred_and_one() -> None:
    """On 0..100 each percentile is its own number, whatever the order."""
    assert Percentiles.of([float(n) for n in reversed(range(101))]) == Percentiles(50.0, 95.0, 99.0)


def test_neighbours_are_interpolated() -> None:
    """Between two runs lies their mean."""
    assert percentile([1.0, 2.0], 0.5) == 1.5


def test_one_run_is_all_there_is() -> None:
    """With one run every percentile is that one."""
    assert Percentiles.of([3.0]) == Percentiles(3.0, 3.0, 3.0)


@given(seconds)
def test_the_middle_is_the_median(values: list[float]) -> None:
    """The standard library agrees on the median."""
    assert percentile(values, 0.5) == pytest.approx(statistics.median(values))


@given(seconds)
def test_percentiles_are_in_order(values: list[float]) -> None:
    """They rise, and stay within what was measured."""
    found = Percentiles.of(values)
    within = [min(values), found.p50, found.p95, found.p99, max(values)]
    assert all(low <= high or low == pytest.approx(high) for low, high in pairwise(within))
