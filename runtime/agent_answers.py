"""What agents answer, checked: nothing that comes out of a sandbox is trusted.

All functions raise AgentMisbehaved for what no agent of ours would send.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

from runtime.errors import AgentMisbehaved
from runtime.link.channel import Channel
from runtime.values import CallStatus, ExitOutcome, Outcome, TimeoutOutcome

MAX_DESCRIPTION = 16 * 1024**2  # bytes of the line that describes a call, with all its commands
MAX_LINE = 256 * 1024  # bytes of any other; an event has at most 16 Ki characters, of up to 12 bytes each

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


AgentEvent = Wrote | Exited | Ended


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file below the ROOT of sandboxes: path relative to it, size in bytes, last change as unix time."""

    path: bytes
    size: int
    modified_at: int


async def read_lines(channel: Channel) -> AsyncIterator[bytes]:
    """The lines in an answer's body."""
    rest = bytearray()
    async for piece in channel.body():
        start = len(rest)
        rest += piece
        end = rest.rfind(b"\n", start)  # not from the front: a line may come byte by byte
        if end >= 0:
            lines = bytes(rest[:end]).split(b"\n")
            del rest[: end + 1]
            for line in lines:
                yield line
        if len(rest) > MAX_DESCRIPTION:
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
        case ["out", int(command), "stdout" | "stderr" as stream, str(text)]:
            return Wrote(command, stream, _clean(text))
        case ["exit", int(command), {"type": "timeout"}]:
            return Exited(command, TimeoutOutcome())
        case ["exit", int(command), {"type": "exit", "exit_code": int(code), **rest}]:
            return Exited(command, ExitOutcome(code, oom_killed=rest.get("oom_killed") is True))
        case ["done", "completed" | "incomplete" as status]:
            return Ended(CallStatus(status))
        case _:
            raise AgentMisbehaved("The sandbox sent an event that isn't one.")


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
    if type(value) is not int or not 0 <= value < 2**63:
        raise AgentMisbehaved("The sandbox sent a size that isn't one.")
    return value
