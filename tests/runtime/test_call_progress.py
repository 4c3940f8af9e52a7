"""A shell call as its events make it up."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.agent_answers import AgentEvent, Ended, Exited, Wrote
from runtime.call_progress import NOTICE, CallProgress
from runtime.errors import AgentMisbehaved
from runtime.values import (
    MAX_COMMANDS,
    MAX_OUTPUT_LENGTH,
    CallDone,
    CallStatus,
    CommandDone,
    CommandOutput,
    ExitOutcome,
    OutputDelta,
    TimeoutOutcome,
)

LIMIT = 50

outcomes = st.one_of(st.builds(ExitOutcome, st.integers(0, 255)), st.just(TimeoutOutcome()))
events = st.one_of(
    st.builds(Wrote, st.integers(-1, 3), st.sampled_from(["stdout", "stderr"]), st.text(max_size=40)),
    st.builds(Exited, st.integers(-1, 3), outcomes),
    st.builds(Ended, st.sampled_from([CallStatus.COMPLETED, CallStatus.INCOMPLETE])),
)


def progress(commands: int = 2, limit: int = LIMIT) -> CallProgress:
    """A call that has just begun."""
    return CallProgress("sh_1", "cntr_1", 1000, ["true"] * commands, None, limit)


def test_a_call_from_its_beginning_to_its_end() -> None:
    """Events get numbers and carry what callers are shown; the call adds them up."""
    call = progress()
    given_events: list[AgentEvent] = [
        Wrote(1, "stdout", "a"),
        Wrote(0, "stderr", "b"),
        Wrote(1, "stdout", "c"),
        Exited(1, ExitOutcome(3)),
        Exited(0, TimeoutOutcome()),
        Ended(CallStatus.INCOMPLETE),
    ]
    seen = [call.add(event) for event in given_events]
    assert [event.sequence_number for event in seen] == list(range(6))
    assert seen[2] == OutputDelta(2, 1, "stdout", "c")
    assert seen[3] == CommandDone(3, 1, CommandOutput("ac", "", ExitOutcome(3)))
    assert seen[5] == CallDone(5, call.call())
    assert call.call().status is CallStatus.INCOMPLETE
    assert call.call().output == [CommandOutput("", "b", TimeoutOutcome()), CommandOutput("ac", "", ExitOutcome(3))]


@given(st.lists(events, max_size=60))
def test_any_events(received: list[AgentEvent]) -> None:
    """Of any events, those that can't be are refused; what is kept stays within what the call asked for."""
    call = progress()
    with contextlib.suppress(AgentMisbehaved):
        for event in received:
            call.add(event)
    result = call.call()
    for output in result.output:
        assert len(output.stdout) + len(output.stderr) <= LIMIT + 2 * NOTICE
    if result.status is not CallStatus.IN_PROGRESS:
        assert all(output.outcome is not None for output in result.output)


@given(st.lists(events, max_size=10), events)
def test_every_call_ends(received: list[AgentEvent], last: AgentEvent) -> None:
    """No event can come for ever: each uses up output, or ends something."""
    call = progress()
    with pytest.raises(AgentMisbehaved):
        _add_all(call, [*received, *[last] * (LIMIT + 2 * NOTICE + 1)])


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


def _add_all(call: CallProgress, received: list[AgentEvent]) -> None:
    for event in received:
        call.add(event)
