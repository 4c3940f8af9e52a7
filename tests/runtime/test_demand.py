from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runtime.demand import WINDOW_SECONDS, Demand

pauses = st.floats(0, 2 * WINDOW_SECONDS)
bounds = st.tuples(st.integers(0, 10), st.integers(0, 10)).map(sorted)


@given(bounds, st.lists(pauses, max_size=30), pauses)
def test_as_many_as_were_wanted_lately(bounds: list[int], before_each: list[float], at_last: float) -> None:
    """As many as were wanted within the window, but never fewer than the least nor more than the most."""
    least, most = bounds
    demand, now = Demand(least, most), 0.0
    times = []
    for pause in before_each:
        now += pause
        demand.note(now)
        times.append(now)
        assert demand.size(now) == min(most, max(least, within(times, now)))
    now += at_last
    assert demand.size(now) == min(most, max(least, within(times, now)))


def within(times: list[float], now: float) -> int:
    """How many of the times are in the window that ends now."""
    return sum(time > now - WINDOW_SECONDS for time in times)


def test_nothing_was_wanted() -> None:
    """Then it is the least, however much time goes by."""
    demand = Demand(3, 8)
    assert [demand.size(now) for now in (0.0, 1e6)] == [3, 3]
