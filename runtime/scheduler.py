"""What is done every so often."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import cast

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from runtime.errors import SandlotError

log = logging.getLogger(__name__)

Job = Callable[[], Awaitable[None]]


@asynccontextmanager
async def schedule(jobs: Mapping[Job, float], at_once: Collection[Job] = ()) -> AsyncIterator[None]:
    """Run each job every so many seconds, never twice at once, until the context is left: then they are cancelled.

    The first time comes after so many seconds too, but now for those `at_once`. A job that fails is logged and runs
    again at its next time.
    """
    scheduler = AsyncIOScheduler(timezone="UTC")
    running: set[asyncio.Task[None]] = set()
    for job, seconds in jobs.items():
        added = scheduler.add_job(
            _guarded(job, running), "interval", seconds=seconds, max_instances=1, coalesce=True, misfire_grace_time=None
        )
        if job in at_once:
            added.modify(next_run_time=datetime.now(UTC))
    scheduler.start()
    try:
        yield
    finally:
        scheduler.pause()
        await asyncio.sleep(0)  # one that was just begun comes to run, and can be told that it has to end
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
        scheduler.shutdown(wait=False)


def _guarded(job: Job, running: set[asyncio.Task[None]]) -> Job:
    async def run() -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        running.add(task)
        try:
            await job()
        except SandlotError as error:
            log.warning("%s: %s", job.__qualname__, error)
        except Exception:
            log.exception("%s failed", job.__qualname__)
        except asyncio.CancelledError:
            pass  # this is the end, and the scheduler would take it for a failure
        finally:
            running.discard(task)

    return run
