"""The shells that commands run in: started first, told what to run later.

Starting a shell is most of what a short command takes. So one is started ahead, in the surroundings that most
commands ask for; the commands that ask for others get a shell that is started for them, and told at once.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping

from runtime.agent.loop import Loop
from runtime.agent.processes import OnExit, Processes

# What a shell does first: wait until descriptor 3 is at its end, read the command from descriptor 4, close and forget
# what that took, run. The command notices nothing, but that messages on its syntax begin with `eval:` and not `-c:`.
SHELL, PROLOGUE = (
    ("/bin/bash", 'read -u 3; read -r -d "" -u 4; exec 3<&- 4<&-; SECONDS=0; eval "unset REPLY;$REPLY"')
    if os.path.exists("/bin/bash")
    else ("/bin/sh", 'read _ <&3; eval "unset _; exec 3<&- 4<&-; $(cat <&4)"')
)


class Shell:
    """A shell that waits to be told. `outputs` are the read ends of its standard output and error."""

    def __init__(self, processes: Processes, stdin: bytes, directory: str, env: Mapping[str, str]) -> None:
        self._on_exit: OnExit | None = None
        self._ended = False
        self._text = os.memfd_create("command")
        start, self._start = os.pipe()
        outputs = [os.pipe(), os.pipe()]
        source = _readable(stdin)
        try:
            self.pid = processes.spawn(
                [SHELL, "-c", PROLOGUE],
                directory=directory,
                env=env,
                descriptors=(source, outputs[0][1], outputs[1][1], start, self._text),
                on_exit=self._exited,
            )
        except BaseException:
            for fd in (self._text, self._start, outputs[0][0], outputs[1][0]):
                os.close(fd)
            raise
        finally:
            for fd in (source, start, outputs[0][1], outputs[1][1]):
                os.close(fd)
        self.outputs = (outputs[0][0], outputs[1][0])

    @property
    def waits(self) -> bool:
        """Whether it is still there: code in the sandbox may have killed it."""
        return not self._ended and os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def run(self, text: bytes, on_exit: OnExit) -> None:
        """Let it run a command. Its outputs are the caller's now; but on OSError, when it is to be closed."""
        _fill(self._text, text)
        self._on_exit = on_exit
        os.close(self._text)
        os.close(self._start)

    def close(self) -> None:
        """Let go of a shell that hasn't been told, or not the whole; if it still waits, it ends."""
        os.ftruncate(self._text, 0)
        for fd in (self._text, self._start, *self.outputs):
            os.close(fd)

    def _exited(self, code: int) -> None:
        self._ended = True
        if self._on_exit is not None:
            self._on_exit(code)


class Shells:
    """Where commands get their shells."""

    def __init__(self, loop: Loop, processes: Processes, directory: str) -> None:
        self._loop = loop
        self._processes = processes
        self._directory = directory
        # The agent's own, decoded once. A shell that isn't told which one it is looks its user up to know, each time.
        self._environment = {"SHELL": SHELL, **os.environ}
        self._surroundings: Mapping[str, str] = {}
        self._spare: Shell | None = None
        self.prepare()

    def surround(self, variables: Mapping[str, str]) -> None:
        """From now on give commands these variables beside the agent's own, in place of those given so before."""
        self._surroundings = variables
        if self._spare is not None:
            self._spare.close()
            self._spare = None
        self.prepare()

    def take(self, stdin: bytes, directory: str, env: Mapping[str, str]) -> Shell:
        """A shell with that standard input, in that directory, with those variables beside the usual ones."""
        if directory == self._directory and not stdin and not env:
            spare, self._spare = self._spare, None
            if spare is not None:
                if spare.waits:
                    return spare
                spare.close()
        return self._processes.with_room(lambda: self._start(stdin, directory, env))

    def prepare(self) -> None:
        """Start a shell ahead, as soon as what is under way is on its way out."""
        self._loop.call_later(0, self._prepare)

    def _prepare(self) -> None:
        if self._spare is None:
            with contextlib.suppress(OSError):  # no room for it: the next command may have better luck
                self._spare = self._start(b"", self._directory, {})

    def _start(self, stdin: bytes, directory: str, env: Mapping[str, str]) -> Shell:
        return Shell(self._processes, stdin, directory, {**self._environment, **self._surroundings, **env})


def encoded(text: str) -> bytes:
    """A command as a shell reads it; ValueError for what is no text, or none that a shell can hold."""
    if "\0" in text:
        raise ValueError("a null character")
    return os.fsencode(text)


def _readable(data: bytes) -> int:
    """A descriptor from which `data` can be read."""
    if not data:
        return os.open("/dev/null", os.O_RDONLY)
    fd = os.memfd_create("stdin")
    _fill(fd, data)
    return fd


def _fill(fd: int, data: bytes) -> None:
    """Write a file for others who hold it: its position, which is theirs too, stays at the beginning."""
    written = 0
    while written < len(data):
        written += os.pwrite(fd, memoryview(data)[written:], written)
