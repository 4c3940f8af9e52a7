"""Shell calls on the wire, in the Responses API's words."""

from __future__ import annotations

import re
from operator import not_
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from api.schemas.base import NO_NUL, Integer, ListItem, Query, RequestBody, ResponseBody
from runtime.sandbox import ROOT
from runtime.values import (
    MAX_COMMANDS,
    MAX_OUTPUT_LENGTH,
    CallStatus,
    Outcome,
    ShellCall,
    ShellCallSpec,
    TimeoutOutcome,
)

DEFAULT_OUTPUT_LENGTH = 1_048_576
FOREGROUND_TIMEOUT_MS = 600_000
MAX_TIMEOUT_MS = 24 * 3600 * 1000

# Linux: one argument or one `NAME=value`, its NUL included, has at most 32 pages.
MAX_ARGUMENT_BYTES = 32 * 4096
# Linux: all of them together get a quarter of the stack limit of 8 MiB; half of that leaves room for the rest.
MAX_ENV_BYTES = 1024**2
MAX_PATH_BYTES = 4096

_VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")


def _argument(text: str) -> str:
    if len(text.encode()) >= MAX_ARGUMENT_BYTES:
        raise PydanticCustomError(
            "string_above_max_length",
            "it must be shorter than {limit} bytes. Longer input goes into stdin or a file.",
            {"limit": MAX_ARGUMENT_BYTES},
        )
    return text


def _absolute(path: str) -> str:
    if not path.startswith("/") or len(path.encode()) >= MAX_PATH_BYTES:
        limit = {"limit": MAX_PATH_BYTES}
        raise PydanticCustomError("path", "it must be an absolute path, shorter than {limit} bytes.", limit)
    return path


def _variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise PydanticCustomError(
            "variable", "the name of a variable has letters, digits and underscores, and doesn't begin with a digit."
        )
    return name


def _fits(env: dict[str, str]) -> dict[str, str]:
    if sum(len(name) + len(value.encode()) + 2 for name, value in env.items()) > MAX_ENV_BYTES:
        limit = {"limit": MAX_ENV_BYTES}
        raise PydanticCustomError("environment", "all variables together may have {limit} bytes.", limit)
    return env


Command = Annotated[str, Field(min_length=1), NO_NUL, AfterValidator(_argument)]
EnvName = Annotated[str, Field(max_length=256), AfterValidator(_variable)]
EnvValue = Annotated[str, NO_NUL, AfterValidator(_argument)]
TimeoutMs = Annotated[int, Field(ge=1, le=MAX_TIMEOUT_MS)]
OutputLength = Annotated[int, Field(ge=1, le=MAX_OUTPUT_LENGTH)]


class ShellCallCreate(RequestBody):
    """The body of `POST .../shell_calls`."""

    commands: Annotated[list[Command], Field(min_length=1, max_length=MAX_COMMANDS)]
    timeout_ms: TimeoutMs | None = None
    max_output_length: OutputLength | None = None
    working_directory: Annotated[str, NO_NUL, AfterValidator(_absolute)] | None = None
    env: Annotated[dict[EnvName, EnvValue], AfterValidator(_fits)] | None = None
    stdin: str | None = None
    stream: bool | None = None
    background: bool | None = None

    def to_spec(self) -> ShellCallSpec:
        """What the runtime is to run. Only a call in the background may go on without a limit."""
        return ShellCallSpec(
            commands=self.commands,
            timeout_ms=self.timeout_ms or (None if self.background else FOREGROUND_TIMEOUT_MS),
            max_output_length=self.max_output_length or DEFAULT_OUTPUT_LENGTH,
            working_directory=self.working_directory or ROOT,
            env=self.env or {},
            stdin=self.stdin or "",
        )


class EventsQuery(Query):
    """The query of `GET .../events`."""

    starting_after: Annotated[Integer, Field(ge=0)] | None = None


class ExitObject(ResponseBody):
    """A command ended. `oom_killed` is there only when the kernel killed it for its memory."""

    type: Literal["exit"] = "exit"
    exit_code: int
    oom_killed: bool = Field(default=False, exclude_if=not_)


class TimeoutObject(ResponseBody):
    """A command's time was up."""

    type: Literal["timeout"] = "timeout"


class ShellCallObject(ListItem):
    """A shell call, without the last of its fields, `output`: see `api.shell_output`."""

    object: Literal["container.shell_call"] = "container.shell_call"
    container_id: str
    created_at: int
    status: CallStatus
    commands: list[str]
    timeout_ms: int | None
    max_output_length: int

    @classmethod
    def of(cls, call: ShellCall) -> ShellCallObject:
        """A call's record as clients see it."""
        return cls(
            id=call.id,
            container_id=call.container_id,
            created_at=call.created_at,
            status=call.status,
            commands=list(call.commands),
            timeout_ms=call.timeout_ms,
            max_output_length=call.max_output_length,
        )


def outcome_object(outcome: Outcome | None) -> ExitObject | TimeoutObject | None:
    """How a command ended, as clients see it; None as long as it has not."""
    match outcome:
        case None:
            return None
        case TimeoutOutcome():
            return TimeoutObject()
    return ExitObject(exit_code=outcome.exit_code, oom_killed=outcome.oom_killed)
