"""Sandboxes started ahead, for containers to come."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Set
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import cast

from runtime.activity import Activity
from runtime.demand import Demand
from runtime.errors import SandlotError
from runtime.ids import new_container_id
from runtime.sandboxes import PREPARED_MEMORY, Sandboxes
from runtime.starts import Starts
from runtime.store.base import ContainerStore
from runtime.uninterrupted import uninterrupted
from runtime.values import MemoryLimit

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0  # between two looks at whether the image, the demand or the host's memory has changed
BUSY_SECONDS = 0.5  # until it is tried again when all turns to start one are taken
FAILED_SECONDS = 30.0  # until it is tried again when one couldn't be started
LULL_SECONDS = 0.1  # for which no container should have been used before a sandbox is started
LULLS = 5  # so many times that is waited for; then a sandbox is started all the same
LAST_START_SECONDS = 3.0  # that the end waits for the start that is under way


class Pool:
    """Keeps sandboxes ready that no user's code has run in. Each is named by the id of the container it may become.

    The container's record is the claim: a sandbox that bears the pool's label is free as long as there was never a
    record of its name. So nothing has to be kept in step, whatever crashes when.
    """

    def __init__(
        self, sandboxes: Sandboxes, records: ContainerStore, starts: Starts, activity: Activity, demand: Demand
    ) -> None:
        self._sandboxes = sandboxes
        self._records = records
        self._starts = starts
        self._activity = activity
        self._demand = demand
        self._fingerprint: str | None = None  # of the sandboxes that are ready, and of new ones
        self._compared_at = 0.0
        self._names: set[str] = set()
        self._ready: deque[str] = deque()
        self._claimed = asyncio.Event()

    def __len__(self) -> int:
        """How many are ready."""
        return len(self._ready)

    @property
    def names(self) -> Set[str]:
        """The sandboxes that it answers for: ready, about to be, being claimed, or on their way out."""
        return frozenset(self._names)

    @contextmanager
    def claim(self, memory_limit: MemoryLimit, *, with_files: bool) -> Iterator[str | None]:
        """The name of a sandbox that fits, and is given to nobody else; None when there is none.

        The pool answers for it until the end of the context. From then on, a record has to.
        """
        name = None
        if self._sandboxes.adaptable or (memory_limit is PREPARED_MEMORY and not with_files):
            self._demand.note(time.monotonic())
            name = self._next()
            self._claimed.set()
        try:
            yield name
        finally:
            if name is not None:
                self._names.discard(name)

    async def find(self) -> None:
        """Answer for what an earlier run of the service has left, if it is as it would be made now."""
        await self._compare()
        if self._fingerprint is not None:
            for name in await self._sandboxes.prepared(self._fingerprint):
                if await self._records.get(name) is None:
                    self._names.add(name)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keep as many ready as are wanted, until the end of the context. Those that are ready then go on running."""
        keeping = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])

    def _next(self) -> str | None:
        self._drop_lost()
        return self._ready.popleft() if self._ready else None

    async def _keep(self) -> None:
        await asyncio.gather(*map(self._join, self.names), return_exceptions=True)
        log.info("%d sandboxes that were started ahead by the last run are ready", len(self._ready))
        keeping = cast("asyncio.Task[None]", asyncio.current_task())
        while True:
            try:
                if time.monotonic() - self._compared_at >= LOOK_SECONDS:
                    await self._renew()
                if await self._adjust():
                    continue
                pause = LOOK_SECONDS if len(self._ready) >= self._wanted() else BUSY_SECONDS
            except SandlotError as error:
                log.warning("No sandbox can be started ahead: %s", error)
                pause = FAILED_SECONDS
            except (Exception, asyncio.CancelledError):
                if keeping.cancelling():  # otherwise it is something below that was cancelled
                    raise
                log.exception("No sandbox can be started ahead")
                pause = FAILED_SECONDS
            self._claimed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._claimed.wait()

    async def _join(self, name: str) -> None:
        """Make one of an earlier run ready, if it still answers."""
        try:
            await self._sandboxes.join(name)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are of use
            log.info("%s, started ahead, is of no use any more: %s", name, error or repr(error))
            with suppress(Exception):  # then the reconciler does it
                await self._remove(name)
        else:
            self._ready.append(name)

    async def _renew(self) -> None:
        """Let go of all that are not as they would be made now."""
        before = self._fingerprint
        await self._compare()
        if self._fingerprint != before:
            log.info("The image has changed: sandboxes that were started ahead are replaced")
            outdated = list(self._ready)
            self._ready.clear()  # at once: removing them takes a while
            self._names.difference_update(outdated)
            for name in outdated:
                await self._sandboxes.destroy(name)

    async def _compare(self) -> None:
        self._fingerprint = await self._sandboxes.fingerprint()
        self._compared_at = time.monotonic()

    async def _adjust(self) -> bool:
        """Go one step towards what is wanted. Whether there may be another to go, now."""
        self._drop_lost()
        missing = self._wanted() - len(self._ready)
        if missing < 0:
            await self._remove(self._ready.popleft())
        elif missing and self._starts.has_turns:
            await self._start()
        else:
            return False
        return True

    def _drop_lost(self) -> None:
        lost = [name for name in self._ready if self._sandboxes.lost(name)]
        self._names.difference_update(lost)
        self._ready = deque(name for name in self._ready if name not in lost)

    def _wanted(self) -> int:
        """How many should be ready. None when memory is short, and no more than are when it is about to be."""
        if self._fingerprint is None or not self._starts.has_memory():
            return 0
        size = self._demand.size(time.monotonic())
        return size if self._starts.has_memory(2) else min(size, len(self._ready))

    async def _start(self) -> None:
        """Start another, when nobody else has anything to do or is waited for no longer."""
        assert self._fingerprint is not None  # noqa: S101 - or none would be wanted
        await self._wait_for_a_lull()
        name = new_container_id()
        self._names.add(name)
        try:
            async with self._starts.turn():
                # Whether it is through in time or not, the next run takes over what it is worth.
                await uninterrupted(self._sandboxes.prepare(name, self._fingerprint), LAST_START_SECONDS)
        except Exception:
            await self._remove(name)
            raise
        self._ready.append(name)

    async def _wait_for_a_lull(self) -> None:
        """Let calls and bursts of creates go first: starting one takes a processor. But don't wait for ever."""
        for _ in range(LULLS):
            if self._activity.quiet_seconds() >= LULL_SECONDS:
                break
            await asyncio.sleep(LULL_SECONDS)

    async def _remove(self, name: str) -> None:
        try:
            await self._sandboxes.destroy(name)
        finally:
            self._names.discard(name)
