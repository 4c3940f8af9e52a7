"""Child processes: started in a session of their own, reaped, and killed with all their descendants."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence

from runtime.agent.channel import RequestFailed
from runtime.agent.loop import Loop
from runtime.link.frames import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T")

NICENESS = 5  # of commands against the agent, so that a busy sandbox still answers
GREEDY = b"1000"  # oom_score_adj of commands: the kernel takes them before the agent
SPAWN_ATTEMPTS = 5
KILL_ROUNDS = 20

# Signals that Python ignores or handles; children get them back as they are by default.
DEFAULTED = [signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGINT]

OnExit = Callable[[int], None]
"""Called with the exit code; 128 + N when signal N ended the process, as shells say it."""


class Processes:
    """The sandbox's processes as the agent, their init, sees them."""

    def __init__(self, loop: Loop) -> None:
        self._on_exit: dict[int, OnExit] = {}
        self._is_init = os.getpid() == 1
        # Opened now: once the agent can't be dumped, its own /proc belongs to root.
        self._oom_score = os.open("/proc/self/oom_score_adj", os.O_RDWR)
        self._own_score = os.read(self._oom_score, 16).strip()
        loop.on_child(self._reap)

    def spawn(
        self,
        argv: list[str],
        *,
        directory: str,
        env: Mapping[str, str],
        descriptors: Sequence[int],
        on_exit: OnExit,
    ) -> int:
        """Start a program that has those descriptors as its 0, 1, 2, ...; its process id is its session's too."""
        pid = self._spawn(argv, directory, env, descriptors)
        self._on_exit[pid] = on_exit
        with contextlib.suppress(OSError):  # it may have ended by now
            os.setpriority(os.PRIO_PROCESS, pid, NICENESS)
        return pid

    def _spawn(self, argv: list[str], directory: str, env: Mapping[str, str], descriptors: Sequence[int]) -> int:
        # Directory and score are the agent's for a moment, since posix_spawn can't set them in the child alone:
        # it is several times faster than fork, and the agent has one thread.
        os.chdir(directory)
        self._set_oom_score(GREEDY)
        try:
            return os.posix_spawn(
                argv[0],
                argv,
                env,
                file_actions=[(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(descriptors)],
                setsid=True,
                setsigmask=[],
                setsigdef=DEFAULTED,
            )
        finally:
            self._set_oom_score(self._own_score)
            os.chdir("/")

    def _set_oom_score(self, score: bytes) -> None:
        with contextlib.suppress(OSError):  # not every kernel (gVisor's) lets a process change it
            os.pwrite(self._oom_score, score, 0)

    def with_room(self, spawn: Callable[[], T]) -> T:
        """Call `spawn`; where the process limit is against it, make room by ending what finished calls left behind."""
        for _ in range(SPAWN_ATTEMPTS):
            try:
                return spawn()
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.ENOMEM):
                    raise
            self.kill_strays()
            self._reap()
            time.sleep(0.01)
        raise RequestFailed("no_processes", "The sandbox is at its limit of processes.")

    def kill_session(self, leader: int) -> None:
        """Kill the process and all others of its session, also those that are being started just now."""
        for _ in range(KILL_ROUNDS):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(leader, signal.SIGKILL)  # takes the whole group at once, so a fork bomb can't run ahead
            others = [pid for pid, session in _sessions() if session == leader]
            _kill(others)
            if not others:
                return

    def kill_strays(self) -> None:
        """Kill every process that doesn't belong to a call that is still running."""
        if not self._is_init:
            return  # these would be the host's
        for _ in range(KILL_ROUNDS):
            strays = [pid for pid, session in _sessions() if pid != 1 and session not in self._on_exit]
            _kill(strays)
            if not strays:
                return

    def _reap(self) -> None:
        """Collect everything that has ended, orphans included."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            code = os.waitstatus_to_exitcode(status)
            on_exit = self._on_exit.pop(pid, None)
            if on_exit is not None:
                on_exit(code if code >= 0 else 128 - code)


def _kill(pids: Sequence[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _sessions() -> list[tuple[int, int]]:
    """Process id and session id of every process that hasn't ended."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                with open(f"/proc/{name}/stat", "rb") as stat:
                    # "pid (name) state ppid pgrp session ..."; the name may hold spaces and parentheses
                    state, _, _, session = stat.read().rpartition(b")")[2].split()[:4]
                if state not in (b"Z", b"X"):
                    found.append((int(name), int(session)))
    return found
