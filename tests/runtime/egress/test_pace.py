from __future__ import annotations

from runtime.egress.pace import QUICK_SECONDS, Pace


def test_what_is_quick_is_done_in_ever_larger_pieces() -> None:
    """Up to the largest that is worth it."""
    pace = Pace(5000)
    for _ in range(50):
        pace.took(QUICK_SECONDS / 2)
    assert pace.size == 5000


def test_what_is_slow_is_done_in_ever_smaller_pieces() -> None:
    """Down to a byte."""
    pace = Pace(5000)
    before = pace.size
    for count in (1, 2, 3):
        pace.took(2 * QUICK_SECONDS)
        assert pace.size == before // 2**count
    for _ in range(50):
        pace.took(2 * QUICK_SECONDS)
    assert pace.size == 1
