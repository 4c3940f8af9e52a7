"""What Sandlot needs of a container engine."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from runtime.streams import ByteStream


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """A sandbox to be made. `name` is unique on the engine, `memory` is in bytes.

    `files` is a tar that is unpacked at the root of the sandbox's file system before anything runs there. Its folders
    have entries of their own, and its owners and modes hold: what is root's in it, code can't change.
    """

    name: str
    image: str
    command: Sequence[str]
    memory: int
    labels: Mapping[str, str] = field(default_factory=dict)
    files: Path | None = None


class MeetingPoint(Protocol):
    """A place in a sandbox's own network, to which its first process, and nobody else, is let in. To be closed."""

    address: str
    """An abstract Unix address there, without its null."""

    async def accept(self) -> ByteStream:
        """Wait for the process: the stream to it. Nobody is waited for afterwards."""

    async def listen(self, ports: Sequence[int]) -> Mapping[int, socket.socket]:
        """TCP sockets that listen in the sandbox, on all its addresses, by their ports; taken ones are left out.

        Not before the process has come, which shows that it is the sandbox's network. Who calls closes them.
        """

    def close(self) -> None:
        """What was accepted, and what listens on ports, stays; idempotent."""


@dataclass(frozen=True, slots=True)
class Handle:
    """A sandbox on the engine, by the name it was made with."""

    name: str
    running: bool


class Engine(Protocol):
    """Makes sandboxes: containers without network, mounts or privileges, whose standard input stays open.

    Every call has a deadline of its own and raises EngineUnavailable when the engine fails or doesn't answer in time.
    A call that failed may have had its effect all the same: the caller destroys by name, or finds it by its labels.
    """

    adaptable: bool
    """Whether a sandbox that runs can be changed, by `update` and `unpack`."""

    def free_memory(self) -> int | None:
        """How many bytes of memory the engine's machine has left; None when that can't be known from here."""

    async def fingerprint(self, image: str) -> str | None:
        """A text that is the same for sandboxes of an image as long as the image and the engine's settings are.

        None when the image doesn't exist.
        """

    async def check(self, image: str) -> None:
        """Return if sandboxes of an image can be made.

        EngineMisconfigured if that isn't there, or the OCI runtime, or as many CPUs.
        """

    async def create(self, spec: SandboxSpec) -> None:
        """Make a sandbox, unpack its files, start it. EngineMisconfigured as `check` has it.

        The tar isn't needed any more when this returns, or raises.
        """

    async def attach(self, name: str) -> ByteStream:
        """The standard input and output of a running sandbox; NotFound when it isn't running."""

    async def meet(self, name: str) -> MeetingPoint | None:
        """A shorter way than `attach` to a running sandbox, None where there is none; NotFound without a sandbox.

        It may turn out to lead nowhere: then the sandbox's first process can't connect.
        """

    async def update(self, name: str, memory: int) -> None:
        """Set the memory limit of a running sandbox, in bytes."""

    async def unpack(self, name: str, files: Path) -> None:
        """Unpack a tar (see SandboxSpec) in a running sandbox in which nothing of a user's has run yet.

        Code in it could lead what is unpacked elsewhere, by links.
        """

    async def destroy(self, name: str) -> None:
        """Kill and remove a sandbox. Nothing happens when there is none of that name."""

    async def list(self, labels: Mapping[str, str]) -> Sequence[Handle]:
        """All sandboxes, running or not, that have all these labels."""

    async def aclose(self) -> None:
        """Let go of the engine. Sandboxes and their streams go on."""
