"""What is different between the records and the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from runtime.reconcile import compare
from runtime.values import Container, ContainerStatus
from tests.runtime.store.records import container

CREATING, RUNNING, DELETING = ContainerStatus.CREATING, ContainerStatus.RUNNING, ContainerStatus.DELETING
IDS = [f"cntr_{number:048x}" for number in range(4)]

statuses = st.sampled_from([None, CREATING, RUNNING, DELETING])
records = st.fixed_dictionaries(dict.fromkeys(IDS, statuses))
some = st.sets(st.sampled_from(IDS))
engines = st.dictionaries(st.sampled_from(IDS), st.booleans())


def of(found: Mapping[str, ContainerStatus | None]) -> list[Container]:
    """Records with these ids and statuses."""
    return [replace(container(), id=name, status=status) for name, status in found.items() if status is not None]


@given(records, engines, records, some, some)
def test_differences(
    before: dict[str, ContainerStatus | None],
    on_engine: dict[str, bool],
    after: dict[str, ContainerStatus | None],
    in_use: set[str],
    pooled: set[str],
) -> None:
    """Each kind is exactly what it says, whatever happened between the two looks at the records."""
    found = compare(of(before), on_engine, of(after), in_use.__contains__, pooled)
    for name in IDS:
        idle, status = name not in in_use, after[name]
        runs = on_engine.get(name, False)
        assert (name in {c.id for c in found.lost}) == (
            idle and before[name] is RUNNING and status is RUNNING and not runs
        )
        assert (name in {c.id for c in found.unfinished}) == (idle and status is CREATING)
        assert (name in {c.id for c in found.undeleted}) == (idle and status is DELETING)
        unknown = name not in pooled and status not in (RUNNING, CREATING)
        assert (name in found.orphans) == (name in on_engine and unknown)


@given(records, some)
def test_nothing_to_do(both: dict[str, ContainerStatus | None], in_use: set[str]) -> None:
    """When all that is recorded runs, and nothing else does, there is no difference."""
    running = {name: status for name, status in both.items() if status is RUNNING}
    found = compare(of(running), dict.fromkeys(running, True), of(running), in_use.__contains__, set())
    assert not any((found.lost, found.unfinished, found.undeleted, found.orphans))


def test_a_container_that_was_just_made() -> None:
    """One that began to run after the engine was asked isn't lost."""
    made = container(status=RUNNING)
    assert compare([replace(made, status=CREATING)], {}, [made], lambda _: False, set()).lost == []
    assert compare([], {}, [made], lambda _: False, set()).lost == []


def test_a_sandbox_of_a_container_that_expires_now() -> None:
    """One whose container has expired meanwhile is removed, used or not: destroying it again does no harm."""
    assert compare([container()], {"cntr_x": True}, [], lambda _: True, set()).orphans == ["cntr_x"]
