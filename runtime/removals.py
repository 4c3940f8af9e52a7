"""Sandboxes removed in the background, so that nobody waits for the engine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from runtime.errors import SandlotError

log = logging.getLogger(__name__)

AT_ONCE = 2  # removing takes an engine a while, and calls go first


class Removals:
    """Carries out removals, a few at a time. What isn't through at the end, or fails, is left to the reconciler."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Removals]:
        """Removals that can be begun until the end of the context."""
        removals = cls()
        try:
            yield removals
        finally:
            for task in removals._tasks.values():
                task.cancel()
            if removals._tasks:
                await asyncio.wait(removals._tasks.values())

    def begin(self, name: str, remove: Callable[[], Awaitable[None]]) -> None:
        """Do it soon. Nothing happens when it is under way already."""
        if name not in self._tasks:
            self._tasks[name] = asyncio.create_task(self._carry_out(name, remove))

    async def _carry_out(self, name: str, remove: Callable[[], Awaitable[None]]) -> None:
        try:
            async with self._places:
                await remove()
        except SandlotError as error:
            log.warning("The removal of %s is left to the reconciler: %s", name, error)
        except Exception:
            log.exception("The removal of %s is left to the reconciler", name)
        finally:
            del self._tasks[name]
