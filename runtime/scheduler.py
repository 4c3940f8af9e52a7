"""What is done every so often."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from typing import cast

from runtime.errors import SandlotError

log = logging.getLogger(__name__)

Job = Callable[[], Awaitable[None]]


@asynccontextmanager
async def schedule(jobs: Mapping[Job, float], at_once: Collection[Job] = ()) -> AsyncIterator[None]:
    """Run each job every so many seconds, never twice at once, until the context is left: then they are cancelled.

    The first time comes after so many seconds too, but now for those `at_once`. A job that fails is logged and runs
    again at its next time. It doesn't matter what the system's clock is set to meanwhile.
    """
    running = [
        asyncio.create_task(_again_and_again(job, seconds, 0 if job in at_once else seconds))
        for job, seconds in jobs.items()
    ]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.wait(running)


async def _again_and_again(job: Job, seconds: float, pause: float) -> None:
    task = cast("asyncio.Task[None]", asyncio.current_task())
    while not task.cancelling():  # whatever the job makes of that
        await asyncio.sleep(pause)
        pause = seconds
        try:
            await job()
        except SandlotError as error:
            log.warning("%s: %s", job.__qualname__, error)
        except (Exception, asyncio.CancelledError):
            if not task.cancelling():  # otherwise it is the end, and no failure
                log.exception("%s failed", job.__qualname__)
