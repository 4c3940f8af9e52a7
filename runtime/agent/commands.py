"""One command of a call: its shell, its output, its end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import termios
from functools import partial

from runtime.agent.loop import Loop
from runtime.agent.memory import Memory
from runtime.agent.processes import Processes
from runtime.agent.shells import Shell
from runtime.link.frames import TYPE_CHECKING, Json

if TYPE_CHECKING:
    from runtime.agent.calls import Call

READ_SIZE = 64 * 1024


class Command:
    """One command of a call while it runs."""

    def __init__(self, call: Call, number: int, loop: Loop, memory: Memory) -> None:
        self.timed_out = False
        self._call = call
        self._number = number
        self._loop = loop
        self._memory = memory
        self._pipes: dict[int, int] = {}  # the read end of stdout (0) and stderr (1)
        self._pid = 0
        self._oom_kills = memory.oom_kills()

    def start(self, shell: Shell, text: bytes) -> None:
        """Let the shell run it."""
        self._pid = shell.pid
        try:
            shell.run(text, self._exited)
        except OSError:
            shell.close()
            raise
        for stream, reader in enumerate(shell.outputs):
            os.set_blocking(reader, False)
            self._pipes[stream] = reader
            self._loop.on_readable(reader, partial(self._read, stream))

    def kill(self, processes: Processes) -> None:
        """Kill the command with all of its session."""
        processes.kill_session(self._pid)

    def _read(self, stream: int) -> None:
        try:
            data = os.read(self._pipes[stream], READ_SIZE)
        except BlockingIOError:  # code has opened its own output, and read it first
            return
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
        outcome: Json = {"type": "timeout"}
        if not self.timed_out:
            outcome = {"type": "exit", "exit_code": code}
            if code != 0 and self._memory.oom_kills() > self._oom_kills:
                outcome["oom_killed"] = True
        self._call.command_ended(self._number, outcome)

    def _drain(self, stream: int, reader: int) -> None:
        """Read what was written up to the exit; what background processes write from now on is thrown away.

        Their pipe stays open for that, or a server that logs a line would die of it.
        """
        waiting: int = struct.unpack("i", fcntl.ioctl(reader, termios.FIONREAD, b"\0" * 4))[0]
        with contextlib.suppress(BlockingIOError):  # code that has opened the command's output was faster
            while waiting > 0 and (data := os.read(reader, min(waiting, READ_SIZE))):
                waiting -= len(data)
                self._call.log.write(self._number, stream, data)
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
