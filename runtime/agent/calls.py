"""Shell calls: commands that run at the same time, and their output."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from runtime.agent.channel import RequestFailed
from runtime.agent.commands import Command
from runtime.agent.loop import Loop, Timer
from runtime.agent.memory import Memory
from runtime.agent.output import OutputLog
from runtime.agent.processes import Processes
from runtime.agent.shells import Shells, encoded
from runtime.link.frames import Json

KEPT_CALLS = 1000  # finished calls whose output can be read again
KEPT_CHARACTERS = 16 * 1024 * 1024  # of commands and output of finished calls
EVENT_SIZE = 200  # bytes that an event takes beside its text
CANNOT_EXECUTE = 126  # the exit code of shells for it


class Calls:
    """The calls of this sandbox that are running, and the latest that have ended."""

    def __init__(self, loop: Loop, processes: Processes, directory: str) -> None:
        self.loop = loop
        self.processes = processes
        self.memory = Memory()
        self.shells = Shells(loop, processes, directory)
        self._calls: dict[str, Call] = {}
        self._ended: dict[str, int] = {}  # in the order they ended: their sizes
        self._kept = 0  # their sum

    def start(self, spec: Json) -> Call:
        """Begin a call. Its spec has `id`, `created_at`, `commands`, `timeout_ms` (or None), `max_output_length`,
        `working_directory`, `env` and `stdin`.
        """
        stdin = spec["stdin"].encode()
        if spec["id"] in self._calls:
            raise RequestFailed("exists", "There is a call of that id.")
        call = Call(self, spec)
        self._calls[call.id] = call
        call.start(stdin)
        return call

    def get(self, call_id: str) -> Call:
        """The call with that id."""
        try:
            return self._calls[call_id]
        except KeyError:
            raise RequestFailed("not_found", "No such call.") from None

    def ended(self, call: Call) -> None:
        """A call is over: keep its output for a while, within bounds."""
        self._ended[call.id] = call.size
        self._kept += call.size
        while len(self._ended) > KEPT_CALLS or (len(self._ended) > 1 and self._kept > KEPT_CHARACTERS):
            oldest = next(iter(self._ended))
            self._kept -= self._ended.pop(oldest)
            del self._calls[oldest]
        self.shells.prepare()


class Call:
    """One call: its commands while they run, its log for as long as it is kept."""

    def __init__(self, calls: Calls, spec: Json) -> None:
        self.id: str = spec["id"]
        self.commands = [str(command) for command in spec["commands"]]
        self.description = {key: spec[key] for key in ("created_at", "timeout_ms", "max_output_length")}
        self.log = OutputLog(len(self.commands), max(0, int(spec["max_output_length"])))
        self.over = False
        self.listeners: list[Callable[[], None]] = []
        self._calls = calls
        self._left = len(self.commands)
        self._timer: Timer | None = None
        self._directory: str = spec["working_directory"]
        self._env: Mapping[str, str] = spec["env"]
        self._timeout_ms = None if spec["timeout_ms"] is None else int(spec["timeout_ms"])
        self._running: dict[int, Command] = {}
        self._complete = True
        if not os.path.isdir(self._directory) or not os.access(self._directory, os.X_OK):
            raise RequestFailed("no_directory", f"No such directory: {self._directory}")

    @property
    def size(self) -> int:
        """About how many characters of memory the call takes."""
        return sum(map(len, self.commands)) + self.log.size + EVENT_SIZE * len(self.log.events)

    def start(self, stdin: bytes) -> None:
        """Start all commands, each with the whole of `stdin`."""
        for number, text in enumerate(self.commands):
            command = Command(self, number, self._calls.loop, self._calls.memory)
            self._running[number] = command
            try:
                body = encoded(text)
                command.start(self._calls.shells.take(stdin, self._directory, self._env), body)
            except (RequestFailed, OSError, ValueError, TypeError) as error:  # the latter two: what no argument can be
                self.log.write(number, 1, f"sandbox: {error}\n".encode())
                self.command_ended(number, {"type": "exit", "exit_code": CANNOT_EXECUTE})
        if self._timeout_ms is not None and self._running:
            self._timer = self._calls.loop.call_later(self._timeout_ms / 1000, self._time_up)

    def cancel(self) -> None:
        """Kill what still runs."""
        for command in list(self._running.values()):
            self._complete = False
            command.kill(self._calls.processes)

    def wrote(self) -> None:
        """There are new events."""
        for listener in self.listeners:
            listener()

    def command_ended(self, number: int, outcome: Json) -> None:
        """Note a command's end, and the call's when it was the last."""
        del self._running[number]
        self._left -= 1
        self.log.exit(number, outcome)
        if self._left == 0:
            self.over = True
            self.log.done("completed" if self._complete else "incomplete")
            if self._timer is not None:
                self._timer.cancel()
            self._calls.ended(self)
        self.wrote()

    def _time_up(self) -> None:
        for command in list(self._running.values()):
            self._complete = False
            command.timed_out = True
            command.kill(self._calls.processes)
