"""Shell calls: commands that run at the same time, their output, and the requests that follow it."""

from __future__ import annotations

import fcntl
import json
import os
import struct
import termios
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from runtime.agent.loop import Loop, Timer
from runtime.agent.memory import oom_kills
from runtime.agent.mux import Channel, Request, RequestFailed
from runtime.agent.output import OutputLog
from runtime.agent.processes import Processes
from runtime.link.frames import Json

READ_SIZE = 64 * 1024
KEPT_CALLS = 1000  # finished calls whose output can be read again
KEPT_CHARACTERS = 16 * 1024 * 1024  # of commands and output of finished calls
EVENT_SIZE = 200  # bytes that an event takes beside its text
CANNOT_EXECUTE = 126  # the exit code of shells for it

SHELL = "/bin/bash" if os.path.exists("/bin/bash") else "/bin/sh"


class Calls:
    """The calls of this sandbox that are running, and the latest that have ended."""

    def __init__(self, loop: Loop, processes: Processes) -> None:
        self.loop = loop
        self.processes = processes
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


class Call:
    """One call: its commands while they run, its log for as long as it is kept."""

    def __init__(self, calls: Calls, spec: Json) -> None:
        self.id: str = spec["id"]
        self.description = {key: spec[key] for key in ("created_at", "commands", "timeout_ms", "max_output_length")}
        self._commands = [str(command) for command in spec["commands"]]
        self.log = OutputLog(len(self._commands), max(0, int(spec["max_output_length"])))
        self.over = False
        self.listeners: list[Callable[[], None]] = []
        self._calls = calls
        self._left = len(self._commands)
        self._timer: Timer | None = None
        self._directory: str = spec["working_directory"]
        self._env: Mapping[str, str] = {**os.environ, **spec["env"]}
        self._timeout_ms = None if spec["timeout_ms"] is None else int(spec["timeout_ms"])
        self._running: dict[int, Command] = {}
        self._complete = True
        if not os.path.isdir(self._directory) or not os.access(self._directory, os.X_OK):
            raise RequestFailed("no_directory", f"No such directory: {self._directory}")

    @property
    def size(self) -> int:
        """About how many characters of memory the call takes."""
        return sum(map(len, self._commands)) + self.log.size + EVENT_SIZE * len(self.log.events)

    def start(self, stdin: bytes) -> None:
        """Start all commands, each with the whole of `stdin`."""
        for number, text in enumerate(self._commands):
            command = Command(self, number, self._calls.loop)
            self._running[number] = command
            try:
                command.start(self._calls.processes, text, stdin, self._directory, self._env)
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


class Command:
    """One command of a call while it runs."""

    def __init__(self, call: Call, number: int, loop: Loop) -> None:
        self.timed_out = False
        self._call = call
        self._number = number
        self._loop = loop
        self._pipes: dict[int, int] = {}  # the read end of stdout (0) and stderr (1)
        self._pid = 0
        self._oom_kills = oom_kills()

    def start(self, processes: Processes, text: str, stdin: bytes, directory: str, env: Mapping[str, str]) -> None:
        """Start the shell."""
        source = _readable(stdin)
        sinks = []
        try:
            for stream in (0, 1):
                reader, writer = os.pipe()
                os.set_blocking(reader, False)
                self._pipes[stream] = reader
                sinks.append(writer)
            self._pid = processes.spawn(
                [SHELL, "-c", text],
                directory=directory,
                env=env,
                descriptors=(source, sinks[0], sinks[1]),
                on_exit=self._exited,
            )
        except BaseException:
            for reader in self._pipes.values():
                os.close(reader)
            raise
        finally:
            for fd in (source, *sinks):
                os.close(fd)
        for stream, reader in self._pipes.items():
            self._loop.on_readable(reader, partial(self._read, stream))

    def kill(self, processes: Processes) -> None:
        """Kill the command with all of its session."""
        processes.kill_session(self._pid)

    def _read(self, stream: int) -> None:
        data = os.read(self._pipes[stream], READ_SIZE)
        if data:
            self._call.log.write(self._number, stream, data)
            self._call.wrote()
        else:
            self._close(stream)

    def _close(self, stream: int) -> None:
        reader = self._pipes.pop(stream)
        self._loop.forget(reader)
        os.close(reader)

    def _exited(self, code: int) -> None:
        for stream, reader in list(self._pipes.items()):
            self._drain(stream, reader)
        outcome: dict[str, Any] = {"type": "timeout"}
        if not self.timed_out:
            outcome = {"type": "exit", "exit_code": code}
            if code != 0 and oom_kills() > self._oom_kills:
                outcome["oom_killed"] = True
        self._call.command_ended(self._number, outcome)

    def _drain(self, stream: int, reader: int) -> None:
        """Read what was written up to the exit; what background processes write from now on is thrown away.

        Their pipe stays open for that, or a server that logs a line would die of it.
        """
        waiting: int = struct.unpack("i", fcntl.ioctl(reader, termios.FIONREAD, b"\0" * 4))[0]
        while waiting > 0:
            data = os.read(reader, min(waiting, READ_SIZE))
            waiting -= len(data)
            self._call.log.write(self._number, stream, data)
        self._loop.forget(reader)
        self._loop.on_readable(reader, partial(self._discard, reader))
        self._discard(reader)  # mostly this is the end, and spares waiting for it

    def _discard(self, reader: int) -> None:
        try:
            if os.read(reader, READ_SIZE):
                return
        except BlockingIOError:
            return
        self._loop.forget(reader)
        os.close(reader)


def _readable(data: bytes) -> int:
    """A descriptor from which `data` can be read."""
    if not data:
        return os.open("/dev/null", os.O_RDONLY)
    fd = os.memfd_create("stdin")
    with open(fd, "wb", closefd=False) as file:
        file.write(data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


class Follow(Request):
    """Answers with a call's events from number `after` + 1 on, as lines of JSON, up to the call's end.

    The first line describes the call.
    """

    def __init__(self, channel: Channel, call: Call, after: int) -> None:
        self._channel = channel
        self._call = call
        self._next = after + 1
        self._rest = _line(call.description)
        call.listeners.append(channel.wake)
        channel.reply({})
        channel.wake()

    def produce(self, limit: int) -> bytes:
        """The next events."""
        log = self._call.log
        pieces = [self._rest]
        size = len(self._rest)
        while size < limit and self._next < len(log.events):
            line = _line(log.events[self._next])
            self._next += 1
            pieces.append(line)
            size += len(line)
        log.read = max(log.read, self._next)
        body = b"".join(pieces)
        self._rest = body[limit:]
        self.finished = self._enough() and not self._rest
        if self.finished:
            self.abort()
        return body[:limit]

    def abort(self) -> None:
        """Listen no more."""
        if self._channel.wake in self._call.listeners:
            self._call.listeners.remove(self._channel.wake)

    def _enough(self) -> bool:
        return self._call.over and self._next >= len(self._call.log.events)


class Snapshot(Follow):
    """Answers with the events there are now."""

    def _enough(self) -> bool:
        return self._next >= len(self._call.log.events)


class Run(Request):
    """Begins a call, as soon as its spec, the body, is whole; from then on it is a Follow."""

    def __init__(self, channel: Channel, calls: Calls) -> None:
        self._channel = channel
        self._calls = calls
        self._spec = bytearray()

    def receive(self, data: bytes) -> None:
        """A piece of the spec."""
        self._spec += data

    def end(self) -> None:
        """Start the commands and follow them."""
        call = self._calls.start(json.loads(self._spec))
        self._channel.request = Follow(self._channel, call, -1)


def _line(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n"
