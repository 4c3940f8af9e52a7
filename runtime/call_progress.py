"""A shell call as its events make it up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runtime.agent_answers import AgentEvent, Ended, Exited, Wrote
from runtime.errors import AgentMisbehaved
from runtime.values import (
    MAX_CALL_OUTPUT,
    MAX_COMMANDS,
    MAX_OUTPUT_LENGTH,
    CallDone,
    CallStatus,
    CommandDone,
    CommandOutput,
    Outcome,
    OutputDelta,
    ShellCall,
    ShellEvent,
)

NOTICE = 100  # characters that the notice of truncated output may have, per stream
MAX_EVENTS = 40_000  # of a call; an agent of ours makes fewer, see runtime.agent.output


class CallProgress:
    """Adds up the events of one call, within the bounds that the call set: the agent is not trusted to."""

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
        kept = min(limit, MAX_CALL_OUTPUT // max(1, len(commands)))
        self._outputs = [_Output(kept + 2 * NOTICE) for _ in commands]
        self._count = 0

    @classmethod
    def of_description(cls, call_id: str, container_id: str, description: Mapping[str, Any]) -> CallProgress:
        """For a call as its agent describes it."""
        match description:
            case {
                "created_at": int(created_at),
                "commands": [*commands],
                "timeout_ms": int() | None as timeout_ms,
                "max_output_length": int(limit),
            } if (
                len(commands) <= MAX_COMMANDS
                and all(isinstance(command, str) for command in commands)
                and limit <= MAX_OUTPUT_LENGTH
            ):
                texts = [command.encode("utf-8", "replace").decode("utf-8") for command in commands]
                return cls(call_id, container_id, created_at, texts, timeout_ms, limit)
            case _:
                raise AgentMisbehaved("The sandbox describes a call in a way that isn't one.")

    def add(self, event: AgentEvent) -> ShellEvent:
        """Count an event in, and give it as callers see it. There is an end to what an agent may send."""
        if self._status is not CallStatus.IN_PROGRESS:
            raise AgentMisbehaved("The sandbox sent an event after the last.")
        number = self._count
        self._count += 1
        if self._count > MAX_EVENTS:
            raise AgentMisbehaved("The sandbox sent more events than a call has.")
        match event:
            case Wrote(command, stream, text):
                self._output(command).write(stream, text)
                return OutputDelta(number, command, stream, text)
            case Exited(command, outcome):
                output = self._output(command)
                output.end(outcome)
                return CommandDone(number, command, output.value())
            case Ended(status):
                if any(output.outcome is None for output in self._outputs):
                    raise AgentMisbehaved("The sandbox ended a call before its commands.")
                self._status = status
                return CallDone(number, self.call())

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
            output=[output.value() for output in self._outputs],
        )

    def _output(self, command: int) -> _Output:
        if not 0 <= command < len(self._outputs):
            raise AgentMisbehaved("The sandbox sent output of a command that doesn't exist.")
        return self._outputs[command]


class _Output:
    """What one command has written up to now."""

    def __init__(self, room: int) -> None:
        self.outcome: Outcome | None = None
        self._room = room
        self._texts: dict[str, list[str]] = {"stdout": [], "stderr": []}

    def write(self, stream: str, text: str) -> None:
        self._room -= len(text)
        if self._room < 0 or not text or self.outcome is not None:
            raise AgentMisbehaved("The sandbox sent more output than was asked for.")
        self._texts[stream].append(text)

    def end(self, outcome: Outcome) -> None:
        if self.outcome is not None:
            raise AgentMisbehaved("The sandbox ended a command twice.")
        self.outcome = outcome

    def value(self) -> CommandOutput:
        return CommandOutput("".join(self._texts["stdout"]), "".join(self._texts["stderr"]), self.outcome)
