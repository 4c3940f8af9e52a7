"""A shell call as its agent tells of it, within the bounds that the call set: the agent is not trusted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runtime.agent_answers import AgentEvent, Ended, Exited, State, Text, TextsEnd, Wrote
from runtime.errors import AgentMisbehaved
from runtime.values import (
    MAX_CALL_OUTPUT,
    MAX_COMMANDS,
    MAX_OUTPUT_LENGTH,
    CallDone,
    CallStatus,
    CommandDone,
    Outcome,
    OutputDelta,
    OutputEnd,
    OutputPiece,
    ShellCall,
    ShellEvent,
)

NOTICE = 100  # characters that the notice of truncated output may have, per stream
MAX_EVENTS = 40_000  # of a call, and pieces of its output; an agent of ours makes fewer, see runtime.agent.output
MAX_TIME = 2**53  # of what is counted in seconds or milliseconds; every reader of JSON has numbers up to there


class CallProgress:
    """Follows one call through its events. None of its output is kept here, however much it is."""

    def __init__(
        self, call_id: str, container_id: str, created_at: int, commands: list[str], timeout_ms: int | None, limit: int
    ) -> None:
        self._call_id = call_id
        self._container_id = container_id
        self._created_at = created_at
        self._commands = commands
        self._timeout_ms = timeout_ms
        self._limit = limit
        self._status = CallStatus.IN_PROGRESS
        self._outcomes: list[Outcome | None] = [None] * len(commands)
        self._most = min(limit, MAX_CALL_OUTPUT // max(1, len(commands))) + 2 * NOTICE
        self._room = [self._most] * len(commands)
        self._count = 0
        self._pieces: _Pieces | None = None  # while an output comes

    @classmethod
    def of_description(cls, call_id: str, container_id: str, description: Mapping[str, Any]) -> CallProgress:
        """For a call as its agent describes it."""
        match description:
            case {
                "created_at": created_at,
                "commands": [*commands],
                "timeout_ms": timeout_ms,
                "max_output_length": limit,
            } if (
                _is_number(created_at, MAX_TIME)
                and len(commands) <= MAX_COMMANDS
                and all(isinstance(command, str) for command in commands)
                and (timeout_ms is None or _is_number(timeout_ms, MAX_TIME))
                and _is_number(limit, MAX_OUTPUT_LENGTH)
            ):
                texts = [command.encode("utf-8", "replace").decode("utf-8") for command in commands]
                return cls(call_id, container_id, created_at, texts, timeout_ms, limit)
            case _:
                raise AgentMisbehaved("The sandbox describes a call in a way that isn't one.")

    def add(self, event: AgentEvent) -> ShellEvent:
        """Check an event, and give it as callers see it. There is an end to what an agent may send."""
        if isinstance(event, Text):
            return self.piece(event)
        if isinstance(event, TextsEnd):
            return self._end()
        if self._status is not CallStatus.IN_PROGRESS or self._pieces is not None:
            raise AgentMisbehaved("The sandbox sent an event out of turn.")
        number = self._count
        self._count += 1
        if self._count > MAX_EVENTS:
            raise AgentMisbehaved("The sandbox sent more events than a call has.")
        match event:
            case Wrote(command, stream, text):
                self._write(command, text)
                return OutputDelta(number, command, stream, text)
            case Exited(command, outcome):
                self._check_runs(command)
                self._outcomes[command] = outcome
                self._pieces = _Pieces(number, range(command, command + 1), self._most)
                return CommandDone(number, command, outcome)
            case Ended(status):
                return CallDone(number, self._stand(status, self._outcomes, number))

    def standing(self, state: State) -> ShellCall:
        """The call where it isn't followed, but stands like that; its output comes next."""
        return self._stand(state.status, state.outcomes, 0)

    def piece(self, text: Text) -> OutputPiece:
        """Check a piece of output."""
        if self._pieces is None:
            raise AgentMisbehaved("The sandbox sent output where none belongs.")
        self._pieces.check(text)
        return OutputPiece(self._pieces.number, text.command, text.stream, text.text)

    def call(self) -> ShellCall:
        """The call as it is up to now."""
        return ShellCall(
            id=self._call_id,
            container_id=self._container_id,
            created_at=self._created_at,
            status=self._status,
            commands=self._commands,
            timeout_ms=self._timeout_ms,
            max_output_length=self._limit,
            outcomes=self._outcomes,
        )

    def _end(self) -> OutputEnd:
        if self._pieces is None:
            raise AgentMisbehaved("The sandbox ended output where none belongs.")
        number, self._pieces = self._pieces.number, None
        return OutputEnd(number)

    def _stand(self, status: CallStatus, outcomes: Sequence[Outcome | None], number: int) -> ShellCall:
        ended = [outcome is not None for outcome in outcomes]
        if len(ended) != len(self._commands) or (status is not CallStatus.IN_PROGRESS and not all(ended)):
            raise AgentMisbehaved("The sandbox ended a call before its commands.")
        self._status = status
        self._outcomes = list(outcomes)
        self._pieces = _Pieces(number, range(len(self._commands)), self._most)
        return self.call()

    def _write(self, command: int, text: str) -> None:
        self._check_runs(command)
        self._room[command] -= len(text)
        if self._room[command] < 0 or not text:
            raise AgentMisbehaved("The sandbox sent more output than was asked for.")

    def _check_runs(self, command: int) -> None:
        if not 0 <= command < len(self._commands) or self._outcomes[command] is not None:
            raise AgentMisbehaved("The sandbox sent something of a command that doesn't run.")


class _Pieces:
    """An output that comes piece by piece, in the event of that number: of some commands, so much each."""

    def __init__(self, number: int, commands: range, most: int) -> None:
        self.number = number
        self._commands = commands
        self._most = most
        self._place = (0, False)
        self._room = most
        self._left = MAX_EVENTS

    def check(self, text: Text) -> None:
        """Refuse a piece that isn't next, or is too much."""
        place = (text.command, text.stream == "stderr")
        if text.command not in self._commands or place < self._place:
            raise AgentMisbehaved("The sandbox sent output out of turn.")
        if text.command != self._place[0]:
            self._room = self._most
        self._place = place
        self._room -= len(text.text)
        self._left -= 1
        if self._room < 0 or self._left < 0 or not text.text:
            raise AgentMisbehaved("The sandbox sent more output than was asked for.")


def _is_number(value: Any, most: int) -> bool:
    """Whether it is one, from 0 on: JSON may have one of thousands of digits, and Python takes true for 1."""
    return type(value) is int and 0 <= value <= most
