"""The agent's event loop: file descriptors, timers and the end of child processes, in one thread."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import select
import signal
import time
from collections.abc import Callable

DAY = 24 * 3600.0
MILLISECONDS = 1000

Callback = Callable[[], None]


class Timer:
    """Something to be done later, unless it is cancelled."""

    def __init__(self, callback: Callback) -> None:
        self.callback: Callback | None = callback

    def cancel(self) -> None:
        """Don't do it any more."""
        self.callback = None


class Loop:
    """Waits for whatever comes first and calls back. `after_each` runs when everything that came is handled."""

    def __init__(self) -> None:
        self.after_each: Callback = lambda: None
        self._poll = select.poll()  # a host has watches of epoll for all sandboxes together, and one could take all
        self._callbacks: dict[int, Callback] = {}  # by descriptor
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._sweep_at = 64  # so many timers, and the cancelled ones among them are thrown out
        self._running = True

    def on_readable(self, fd: int, callback: Callback) -> None:
        """Call back whenever `fd` has something to read or is at its end."""
        self._watch(fd, select.POLLIN, callback)

    def on_writable(self, fd: int, callback: Callback) -> None:
        """Call back whenever `fd` takes more."""
        self._watch(fd, select.POLLOUT, callback)

    def forget(self, fd: int) -> None:
        """No longer watch `fd`, which isn't closed before."""
        del self._callbacks[fd]
        self._poll.unregister(fd)

    def call_later(self, seconds: float, callback: Callback) -> Timer:
        """Call back once, after that many seconds."""
        if len(self._timers) > self._sweep_at:
            self._timers = [entry for entry in self._timers if entry[2].callback is not None]
            heapq.heapify(self._timers)
            self._sweep_at = 2 * len(self._timers) + 64
        timer = Timer(callback)
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._order), timer))
        return timer

    def on_child(self, callback: Callback) -> None:
        """Call back whenever a child process may have ended."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

        def woken() -> None:
            os.read(reader, 4096)
            callback()

        self.on_readable(reader, woken)

    def stop(self) -> None:
        """Leave `run` when what came is handled."""
        self._running = False

    def run(self) -> None:
        """Wait and call back until `stop`."""
        while self._running:
            ready = [(fd, self._callbacks.get(fd)) for fd, _ in self._poll.poll(self._patience())]
            for fd, callback in ready:
                # An earlier callback may have let go of it, or watch something else by the same number now.
                if callback is not None and self._callbacks.get(fd) is callback:
                    _call(callback)
            self.after_each()
            if self._run_due():
                self.after_each()

    def _watch(self, fd: int, event: int, callback: Callback) -> None:
        self._poll.register(fd, event)
        self._callbacks[fd] = callback

    def _patience(self) -> float | None:
        """How long to wait: milliseconds, or None when no timer is set. The kernel takes no more than some weeks."""
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        if not self._timers:
            return None
        return min(max(0.0, self._timers[0][0] - time.monotonic()), DAY) * MILLISECONDS

    def _run_due(self) -> bool:
        """Call back for the timers that are due; whether there were any."""
        now = time.monotonic()
        due = False
        while self._timers and self._timers[0][0] <= now:
            callback = heapq.heappop(self._timers)[2].callback
            if callback is not None:
                _call(callback)
                due = True
        return due


def _call(callback: Callback) -> None:
    """Call back. Whatever the system refuses there, the first process must live, or the sandbox ends."""
    with contextlib.suppress(OSError):
        callback()
