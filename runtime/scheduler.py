"""What is done every so often."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from runtime.errors import SandlotError

log = logging.getLogger(__name__)

Job = Callable[[], Awaitable[None]]


@contextmanager
def schedule(jobs: Mapping[Job, float], at_once: Collection[Job] = ()) -> Iterator[None]:
    """Run each job every so many seconds, never twice at once, until the context is left.

    The first time comes after so many seconds too, but now for those `at_once`. A job that fails is logged and runs
    again at its next time.
    """
    scheduler = AsyncIOScheduler(timezone="UTC")
    for job, seconds in jobs.items():
        added = scheduler.add_job(
            _guarded(job), "interval", seconds=seconds, max_instances=1, coalesce=True, misfire_grace_time=None
        )
        if job in at_once:
            added.modify(next_run_time=datetime.now(UTC))
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=False)


def _guarded(job: Job) -> Job:
    async def run() -> None:
        try:
            await job()
        except SandlotError as error:
            log.warning("%s: %s", job.__qualname__, error)
        except Exception:
            log.exception("%s failed", job.__qualname__)

    return run
