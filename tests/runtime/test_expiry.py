"""Who is due."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runtime.expiry import is_due
from runtime.values import ContainerStatus
from tests.runtime.store.records import container

times = st.integers(0, 2**33)
minutes = st.integers(1, 10_000)


@given(times, minutes, st.integers(-3600, 10**6))
def test_due_when_its_time_is_up(last: int, allowed: int, over: int) -> None:
    """A container is due from the very second on that it hasn't been used for so long, and not before."""
    unused = container(last_active_at=last, minutes=allowed)
    assert is_due(unused, last + allowed * 60 + over, in_use=False) == (over >= 0)


@given(times, minutes, times)
def test_never_while_it_is_in_use(last: int, allowed: int, now: int) -> None:
    """A container in use isn't due, however long ago that began."""
    assert not is_due(container(last_active_at=last, minutes=allowed), now, in_use=True)


@given(st.sampled_from([status for status in ContainerStatus if status is not ContainerStatus.RUNNING]), times)
def test_only_what_runs(status: ContainerStatus, now: int) -> None:
    """What doesn't run has nothing to expire."""
    assert not is_due(container(status=status), now, in_use=False)
