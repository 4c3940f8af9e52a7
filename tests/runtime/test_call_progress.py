"""A shell call as its agent tells of it."""

from __future__ import annotations

import contextlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import call_progress as module
from runtime.agent_answers import AgentEvent, Ended, Exited, State, Text, TextsEnd, Wrote
from runtime.call_progress import NOTICE, CallProgress
from runtime.errors import AgentMisbehaved
from runtime.values import (
    MAX_CALL_OUTPUT,
    MAX_COMMANDS,
    MAX_OUTPUT_LENGTH,
    CallDone,
    CallStatus,
    CommandDone,
    ExitOutcome,
    OutputDelta,
    OutputEnd,
    OutputPiece,
    TimeoutOutcome,
)

LIMIT = 50

streams = st.sampled_from(["stdout", "stderr"])
outcomes = st.one_of(st.builds(ExitOutcome, st.integers(0, 255)), st.just(TimeoutOutcome()))
events = st.one_of(
    st.builds(Wrote, st.integers(-1, 3), streams, st.text(max_size=40)),
    st.builds(Text, st.integers(-1, 3), streams, st.text(max_size=40)),
    st.just(TextsEnd()),
    st.builds(Exited, st.integers(-1, 3), outcomes),
    st.builds(Ended, st.sampled_from([CallStatus.COMPLETED, CallStatus.INCOMPLETE])),
)


def progress(commands: int = 2, limit: int = LIMIT) -> CallProgress:
    """A call that has just begun."""
    return CallProgress("sh_1", "cntr_1", 1000, ["true"] * commands, None, limit)


def test_a_call_from_its_beginning_to_its_end() -> None:
    """Events get numbers and carry what callers are shown; an output has the number of its event."""
    call = progress()
    given_events: list[AgentEvent] = [
        Wrote(1, "stdout", "a"),
        Wrote(0, "stderr", "b"),
        Exited(1, ExitOutcome(3)),
        Text(1, "stdout", "a"),
        TextsEnd(),
        Exited(0, TimeoutOutcome()),
        TextsEnd(),
        Ended(CallStatus.INCOMPLETE),
        Text(0, "stderr", "b"),
        Text(1, "stdout", "a"),
        TextsEnd(),
    ]
    seen = [call.add(event) for event in given_events]
    assert [event.sequence_number for event in seen] == [0, 1, 2, 2, 2, 3, 3, 4, 4, 4, 4]
    assert seen[1] == OutputDelta(1, 0, "stderr", "b")
    assert seen[2:5] == [CommandDone(2, 1, ExitOutcome(3)), OutputPiece(2, 1, "stdout", "a"), OutputEnd(2)]
    assert seen[7] == CallDone(4, call.call())
    assert call.call().status is CallStatus.INCOMPLETE
    assert call.call().outcomes == [TimeoutOutcome(), ExitOutcome(3)]


def test_a_call_that_is_not_followed() -> None:
    """A call may be said to stand in some way; then its output comes."""
    call = progress()
    standing = call.standing(State(CallStatus.IN_PROGRESS, [None, ExitOutcome(0)]))
    assert (standing.status, standing.outcomes) == (CallStatus.IN_PROGRESS, [None, ExitOutcome(0)])
    assert call.piece(Text(1, "stderr", "x")) == OutputPiece(0, 1, "stderr", "x")


@pytest.mark.parametrize(
    "state",
    [
        State(CallStatus.COMPLETED, [None, ExitOutcome(0)]),
        State(CallStatus.COMPLETED, [ExitOutcome(0)]),
        State(CallStatus.IN_PROGRESS, [None] * 3),
    ],
)
def test_states_that_can_not_be(state: State) -> None:
    """A call has as many outcomes as commands, and all of them when it has ended."""
    with pytest.raises(AgentMisbehaved):
        progress().standing(state)


@given(st.lists(events, max_size=60))
def test_any_events(received: list[AgentEvent]) -> None:
    """Of any events, those that can't be are refused; what is let through stays within what the call asked for."""
    call = progress()
    live: Counter[int] = Counter()
    output: Counter[tuple[int, int]] = Counter()
    places: list[tuple[int, int, bool]] = []
    with contextlib.suppress(AgentMisbehaved):
        for event in received:
            match call.add(event):
                case OutputDelta(_, command, _, text):
                    live[command] += len(text)
                case OutputPiece(number, command, stream, text):
                    output[number, command] += len(text)
                    places.append((number, command, stream == "stderr"))
    assert all(size <= LIMIT + 2 * NOTICE for size in [*live.values(), *output.values()])
    assert places == sorted(places)
    result = call.call()
    if result.status is not CallStatus.IN_PROGRESS:
        assert None not in result.outcomes


@given(st.lists(events, max_size=10), events)
def test_every_call_ends(received: list[AgentEvent], last: AgentEvent) -> None:
    """No event can come for ever: each uses up output, or ends something."""
    call = progress()
    with pytest.raises(AgentMisbehaved):
        _add_all(call, [*received, *[last] * (LIMIT + 2 * NOTICE + 1)])


def test_the_number_of_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are so many events in a call and no more, and so many pieces of an output."""
    monkeypatch.setattr(module, "MAX_EVENTS", 10)
    call = progress()
    _add_all(call, [Wrote(0, "stdout", "x")] * 10)
    with pytest.raises(AgentMisbehaved):
        call.add(Wrote(0, "stdout", "x"))
    call = progress()
    _add_all(call, [Exited(0, ExitOutcome(0)), *[Text(0, "stdout", "x")] * 10])
    with pytest.raises(AgentMisbehaved):
        call.add(Text(0, "stdout", "x"))


def test_what_a_call_may_have_in_all() -> None:
    """Its commands share that evenly."""
    share = MAX_CALL_OUTPUT // MAX_COMMANDS + 2 * NOTICE
    call = progress(MAX_COMMANDS, MAX_OUTPUT_LENGTH)
    call.add(Wrote(0, "stdout", "x" * share))
    with pytest.raises(AgentMisbehaved):
        call.add(Wrote(0, "stdout", "x"))


@pytest.mark.parametrize(
    ("commands", "limit", "fits"),
    [
        (MAX_COMMANDS, MAX_OUTPUT_LENGTH, True),
        (MAX_COMMANDS + 1, 1, False),
        (1, MAX_OUTPUT_LENGTH + 1, False),
    ],
)
def test_descriptions(commands: int, limit: int, fits: bool) -> None:
    """A call that is described larger than any can be isn't one."""
    description = {"created_at": 1, "commands": ["a"] * commands, "timeout_ms": 5, "max_output_length": limit}
    if fits:
        call = CallProgress.of_description("sh_1", "cntr_1", description).call()
        assert (call.timeout_ms, call.max_output_length, len(call.commands)) == (5, limit, commands)
    else:
        with pytest.raises(AgentMisbehaved):
            CallProgress.of_description("sh_1", "cntr_1", description)


@pytest.mark.parametrize("field", ["created_at", "timeout_ms", "max_output_length"])
@pytest.mark.parametrize("value", [True, -1, 10**30, 1.5])
def test_numbers_that_can_not_be(field: str, value: object) -> None:
    """Numbers are whole, not below 0, and of a size that every reader of JSON has."""
    description = {"created_at": 1, "commands": ["a"], "timeout_ms": 5, "max_output_length": 5} | {field: value}
    with pytest.raises(AgentMisbehaved):
        CallProgress.of_description("sh_1", "cntr_1", description)


def _add_all(call: CallProgress, received: list[AgentEvent]) -> None:
    for event in received:
        call.add(event)
