"""Blocking calls on threads that don't keep the process from ending, as those of an executor would."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


class DaemonThreads:
    """So many at a time; further calls wait for their turn. A thread lasts as long as its call."""

    def __init__(self, most: int, name: str) -> None:
        self._places = asyncio.Semaphore(most)
        self._name = name

    async def run(self, call: Callable[[], T]) -> T:
        """What `call` returns or raises. It goes on even if the task is cancelled, and keeps its place until then."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()

        def settle(set_outcome: Callable[[], None]) -> None:
            self._places.release()
            if not outcome.done():  # cancelled: nobody waits for it any more
                set_outcome()

        def work() -> None:
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001 - it is the caller's
                set_outcome = partial(outcome.set_exception, error)
            else:
                set_outcome = partial(outcome.set_result, result)
            with suppress(RuntimeError):  # the loop is closed: this is the end
                loop.call_soon_threadsafe(settle, set_outcome)

        await self._places.acquire()
        try:
            Thread(target=work, name=self._name, daemon=True).start()
        except BaseException:
            self._places.release()
            raise
        return await outcome
