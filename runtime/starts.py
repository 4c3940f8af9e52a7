"""Starting sandboxes: a few at a time, and no more than the host can hold."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from runtime.errors import Busy

AT_ONCE = 4
"""An engine starts no more of them in a second when it is given more at a time."""

LONGEST_WAIT_SECONDS = 60.0  # that a caller is left to wait for its turn
MEMORY_RETRY_SECONDS = 10
LONGEST_RETRY_SECONDS = 60
"""After more than two minutes OpenAI's clients don't come again by themselves."""

_FIRST_GUESS = 0.3  # seconds that a start takes
_WEIGHT = 0.2  # of the latest start, in the mean of all


class Starts:
    """Gives turns to start a sandbox. `free_memory` is how many bytes the host has left, None if that isn't known.

    Of those, `reserve` are left alone.
    """

    def __init__(self, free_memory: Callable[[], int | None], reserve: int) -> None:
        self._free_memory = free_memory
        self._reserve = reserve
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._admitted = 0
        self._seconds = _FIRST_GUESS

    @property
    def has_turns(self) -> bool:
        """Whether a turn can be had at once."""
        return not self._turns.locked()

    def has_memory(self, reserves: int = 1) -> bool:
        """Whether the host has as much memory left as the reserve, or so many times that."""
        free = self._free_memory()
        return free is None or free >= reserves * self._reserve

    def check(self) -> None:
        """Raise Busy where there is no room for another."""
        if not self.has_memory():
            raise _no_memory()
        if self._wait > LONGEST_WAIT_SECONDS:
            raise self._too_many()

    @contextmanager
    def admission(self) -> Iterator[None]:
        """Count as one who waits or starts, until the end of the context. Raises Busy where there is no room for it."""
        self.check()
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, and start a sandbox in it.

        Raises Busy when none comes in time, or those that were started meanwhile have taken the memory.
        """
        try:
            async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise self._too_many() from None
        try:
            if not self.has_memory():
                raise _no_memory()
            with self._timed():
                yield
        finally:
            self._turns.release()

    @property
    def _wait(self) -> float:
        """How many seconds it takes to start all who were admitted, at the pace of the latest starts."""
        return self._admitted * self._seconds / AT_ONCE

    def _too_many(self) -> Busy:
        """Who comes again when all of these have started doesn't meet them; one place alone is free much sooner."""
        message = "More containers are being created than can be started. Try again later."
        return Busy(message, retry_after=min(max(1, math.floor(self._wait)), LONGEST_RETRY_SECONDS))

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """Count how long a start takes, whatever becomes of it: those that fail last the longest."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._seconds += _WEIGHT * (time.monotonic() - began - self._seconds)


def _no_memory() -> Busy:
    return Busy("The host has no memory left for another container.", retry_after=MEMORY_RETRY_SECONDS)
