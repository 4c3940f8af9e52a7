"""The runtime's nouns, as immutable values. Times are whole seconds of unix time, sizes are bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, Literal, TypeVar

from runtime.network_values import NO_NETWORK, NetworkPolicy, WantedNetwork
from runtime.skill_values import WantedSkill

T = TypeVar("T")

GIB = 1024**3


class MemoryLimit(StrEnum):
    """The memory tiers of OpenAI's containers."""

    GIB_1 = "1g"
    GIB_4 = "4g"
    GIB_16 = "16g"
    GIB_64 = "64g"

    @property
    def bytes(self) -> int:
        """The tier as a number of bytes."""
        return int(self.value[:-1]) * GIB


class ContainerStatus(StrEnum):
    """Where a container is in its life. Clients see only `running` and `expired`."""

    CREATING = "creating"
    RUNNING = "running"
    EXPIRED = "expired"
    DELETING = "deleting"


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """What a caller asks for when creating a container.

    `file_ids` are those of files to be copied into it. Without a `network` it has none.
    """

    name: str
    memory_limit: MemoryLimit = MemoryLimit.GIB_1
    expires_after_minutes: int = 20
    file_ids: Sequence[str] = ()
    skills: Sequence[WantedSkill] = ()
    network: WantedNetwork | None = None


@dataclass(frozen=True, slots=True)
class Container:
    """The record of a container. `owner` is the id of the API key that made it."""

    id: str
    owner: str
    name: str
    status: ContainerStatus
    created_at: int
    last_active_at: int
    memory_limit: MemoryLimit
    expires_after_minutes: int
    network: NetworkPolicy = NO_NETWORK


class FileSource(StrEnum):
    """Who made a file: the caller put it there, or code in the sandbox did."""

    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class ContainerFile:
    """The record of a file in a container.

    `path` is absolute and raw: file names are bytes on Linux and need not be UTF-8.
    """

    id: str
    container_id: str
    path: bytes
    size: int
    created_at: int
    source: FileSource


class CallStatus(StrEnum):
    """The state of a shell call, in the Responses API's words."""

    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class ExitOutcome:
    """A command ended by itself, or by a signal (128 + its number, as shells say it)."""

    exit_code: int
    oom_killed: bool = False


@dataclass(frozen=True, slots=True)
class TimeoutOutcome:
    """A command was killed because its time was up."""


Outcome = ExitOutcome | TimeoutOutcome


# What no call may ask for more of; an agent that describes a call is held to the same.
MAX_COMMANDS = 32
MAX_OUTPUT_LENGTH = 10 * 1024**2
MAX_CALL_OUTPUT = 16 * 1024**2  # characters of all commands together; each has an equal share


@dataclass(frozen=True, slots=True)
class ShellCallSpec:
    """What a caller asks for in a shell call. `timeout_ms` None means no limit."""

    commands: Sequence[str]
    timeout_ms: int | None
    max_output_length: int
    working_directory: str
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: str = ""


@dataclass(frozen=True, slots=True)
class ShellCall:
    """A shell call and the outcomes of its commands, None for those that still run. Its output is apart."""

    id: str
    container_id: str
    created_at: int
    status: CallStatus
    commands: Sequence[str]
    timeout_ms: int | None
    max_output_length: int
    outcomes: Sequence[Outcome | None]


@dataclass(frozen=True, slots=True)
class OutputDelta:
    """Some output of one command, as it came."""

    sequence_number: int
    command_index: int
    stream: Literal["stdout", "stderr"]
    text: str


@dataclass(frozen=True, slots=True)
class CommandDone:
    """One command of a call has ended. Its output follows."""

    sequence_number: int
    command_index: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class CallDone:
    """All commands of a call have ended. The output of all follows, and it is the call's last event."""

    sequence_number: int
    call: ShellCall


@dataclass(frozen=True, slots=True)
class OutputPiece:
    """A piece of what commands have written in all, already cut to the call's limit.

    Pieces come in the commands' order, stdout before stderr, and in the event of that number.
    """

    sequence_number: int
    command_index: int
    stream: Literal["stdout", "stderr"]
    text: str


@dataclass(frozen=True, slots=True)
class OutputEnd:
    """There are no more pieces in the event of that number."""

    sequence_number: int


ShellEvent = OutputDelta | CommandDone | CallDone | OutputPiece | OutputEnd


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page of a list is wanted: up to `limit` objects that come after the object with id `after`."""

    limit: int = 20
    order: Literal["asc", "desc"] = "desc"
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list, ordered by creation time with the id as tie-break."""

    data: Sequence[T]
    has_more: bool


@dataclass(frozen=True, slots=True)
class ApiKey:
    """The record of an API key. The key itself is never kept, only its hash."""

    id: str
    name: str
    created_at: int
