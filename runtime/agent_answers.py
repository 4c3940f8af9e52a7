"""What agents answer, checked: nothing that comes out of a sandbox is trusted.

All functions raise AgentMisbehaved for what no agent of ours would send.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from runtime.errors import AgentMisbehaved
from runtime.link.channel import Channel
from runtime.values import MAX_COMMANDS, CallStatus, ExitOutcome, Outcome, TimeoutOutcome

MAX_COMMAND = 1024**2  # bytes of a line with a command, which has at most 128 Ki, of up to 6 each
MAX_LINE = 256 * 1024  # bytes of any other; an event has at most 16 Ki characters, of up to 12 bytes each
MAX_EXIT_CODE = 255
TURN = 200  # lines, after which others have theirs: a window of short ones takes a second

Stream = Literal["stdout", "stderr"]


@dataclass(frozen=True, slots=True)
class Wrote:
    """A command wrote some output."""

    command: int
    stream: Stream
    text: str


@dataclass(frozen=True, slots=True)
class Exited:
    """A command ended."""

    command: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Ended:
    """The call ended; there are no more events."""

    status: CallStatus


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of what a command has written in all."""

    command: int
    stream: Stream
    text: str


@dataclass(frozen=True, slots=True)
class TextsEnd:
    """That was all."""


AgentEvent = Wrote | Exited | Ended | Text | TextsEnd
"""Exited is followed by its command's texts, Ended by those of all, in the commands' order, stdout before stderr."""


@dataclass(frozen=True, slots=True)
class State:
    """How a call stands: the outcomes of its commands, None for those that still run."""

    status: CallStatus
    outcomes: Sequence[Outcome | None]


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file below the ROOT of sandboxes: path relative to it, size in bytes, last change as unix time."""

    path: bytes
    size: int
    modified_at: int


async def read_lines(channel: Channel) -> AsyncIterator[bytes]:
    """The lines in an answer's body."""
    rest = bytearray()
    count = 0
    async for piece in channel.body():
        start = len(rest)
        rest += piece
        end = rest.rfind(b"\n", start)  # not from the front: a line may come byte by byte
        if end >= 0:
            lines = bytes(rest[:end]).split(b"\n")
            del rest[: end + 1]
            for line in lines:
                count += 1
                if count % TURN == 0:
                    await asyncio.sleep(0)
                yield line
        if len(rest) > MAX_COMMAND:
            raise AgentMisbehaved("The sandbox sent a line without end.")


def parse(line: bytes, longest: int) -> Any:
    """The JSON of a line that has at most so many bytes: parsed, it may take many times as many."""
    if len(line) > longest:
        raise AgentMisbehaved("The sandbox sent a line that is too long.")
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise AgentMisbehaved("The sandbox sent broken JSON.") from None


def event_of(line: Any) -> AgentEvent:
    """The event that a parsed line tells of."""
    match line:
        case ["out", command, "stdout" | "stderr" as stream, str(text)]:
            return Wrote(number_of(command, MAX_COMMANDS), stream, _clean(text))
        case ["text", command, "stdout" | "stderr" as stream, str(text)]:
            return Text(number_of(command, MAX_COMMANDS), stream, _clean(text))
        case ["end"]:
            return TextsEnd()
        case ["exit", command, outcome]:
            return Exited(number_of(command, MAX_COMMANDS), _outcome(outcome))
        case ["done", "completed" | "incomplete" as status]:
            return Ended(CallStatus(status))
        case _:
            raise AgentMisbehaved("The sandbox sent an event that isn't one.")


def state_of(line: Any) -> State:
    """The state of a call that a parsed line tells of."""
    match line:
        case ["state", "in_progress" | "completed" | "incomplete" as status, [*outcomes]] if (
            len(outcomes) <= MAX_COMMANDS
        ):
            return State(CallStatus(status), [None if outcome is None else _outcome(outcome) for outcome in outcomes])
        case _:
            raise AgentMisbehaved("The sandbox doesn't say how a call stands.")


def _outcome(outcome: Any) -> Outcome:
    match outcome:
        case {"type": "timeout"}:
            return TimeoutOutcome()
        case {"type": "exit", "exit_code": code, **rest}:
            return ExitOutcome(number_of(code, MAX_EXIT_CODE + 1), oom_killed=rest.get("oom_killed") is True)
        case _:
            raise AgentMisbehaved("The sandbox sent an outcome that isn't one.")


def _clean(text: str) -> str:
    """Text that can be encoded: an agent of ours doesn't send lone surrogates, another might."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def file_of(line: Any) -> FoundFile:
    """The file that a parsed line tells of."""
    match line:
        case [str(path), int(size), int(modified_at)]:
            return FoundFile(path_of(path), size_of(size), modified_at)
        case _:
            raise AgentMisbehaved("The sandbox sent an entry that isn't a file's.")


def path_of(text: Any) -> bytes:
    """A path that stays below the folder it is relative to. In JSON, bytes that aren't UTF-8 are lone surrogates."""
    try:
        path: bytes = text.encode("utf-8", "surrogateescape")
    except (AttributeError, UnicodeEncodeError):
        raise AgentMisbehaved("The sandbox sent a path that isn't one.") from None
    parts = path.split(b"/")
    if not 0 < len(path) <= 4096 or any(part in (b"", b".", b"..") for part in parts) or b"\0" in path:
        raise AgentMisbehaved("The sandbox sent a path that isn't one.")
    return path


def size_of(value: Any) -> int:
    """A number of bytes."""
    return number_of(value, 2**63)


def number_of(value: Any, end: int) -> int:
    """A number from 0 on, below `end`. JSON may have one of thousands of digits, and Python takes true for 1."""
    if type(value) is not int or not 0 <= value < end:
        raise AgentMisbehaved("The sandbox sent a number that can't be.")
    return value
