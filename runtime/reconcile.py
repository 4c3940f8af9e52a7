"""Store against engine: after a crash, and every so often, what the one says is made true of the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Set
from dataclasses import dataclass
from functools import partial

from runtime.activity import Activity
from runtime.endings import Endings
from runtime.errors import SandlotError
from runtime.pool import Pool
from runtime.removals import Removals
from runtime.sandboxes import Sandboxes
from runtime.store.base import ContainerStore
from runtime.values import Container, ContainerStatus

log = logging.getLogger(__name__)

RELINKS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Differences:
    """What has to be put right."""

    lost: Collection[Container]
    """Records of running containers that the engine doesn't run."""
    unfinished: Collection[Container]
    """Records of containers whose making was cut short."""
    undeleted: Collection[Container]
    """Records of containers whose removal was cut short."""
    orphans: Collection[str]
    """Sandboxes on the engine that no record of a live container speaks of."""


def compare(
    before: Collection[Container],
    on_engine: Mapping[str, bool],
    after: Collection[Container],
    in_use: Callable[[str], bool],
    pooled: Set[str],
) -> Differences:
    """The differences between records and the engine's sandboxes (by id: whether it runs). Pure.

    Neither can be read at the same moment as the other, so the records are read `before` and `after` the engine:
    lost is only what was running before, orphaned only what has no record after. What is in use is left alone, and so
    is what was `pooled` before the records were read for the last time: since then it may have become a container's.
    """
    ran_before = {container.id for container in before if container.status is ContainerStatus.RUNNING}
    alive = {c.id for c in after if c.status in (ContainerStatus.RUNNING, ContainerStatus.CREATING)}
    idle = [container for container in after if not in_use(container.id)]
    return Differences(
        lost=[
            c
            for c in idle
            if c.status is ContainerStatus.RUNNING and c.id in ran_before and not on_engine.get(c.id, False)
        ],
        unfinished=[c for c in idle if c.status is ContainerStatus.CREATING],
        undeleted=[c for c in idle if c.status is ContainerStatus.DELETING],
        orphans=[name for name in on_engine if name not in alive and name not in pooled],
    )


class Reconciler:
    """Finds the differences and puts them right. Running it twice does no harm."""

    def __init__(
        self,
        store: ContainerStore,
        sandboxes: Sandboxes,
        pool: Pool,
        endings: Endings,
        activity: Activity,
        removals: Removals,
    ) -> None:
        self._store = store
        self._sandboxes = sandboxes
        self._pool = pool
        self._endings = endings
        self._activity = activity
        self._removals = removals

    async def reconcile(self) -> None:
        """Compare and put right, once. EngineUnavailable when the engine doesn't answer: then nothing is concluded.

        Each difference is put right on its own, and the engine removes things in the background: one container that
        can't be helped keeps neither the service from starting nor the others waiting.
        """
        before = await self._records()
        on_engine = await self._sandboxes.on_engine()
        pooled = self._pool.names
        found = compare(before, on_engine, await self._records(), self._activity.in_use, pooled)
        for container in found.lost:
            log.warning("%s is no longer on the engine: it counts as expired", container.id)
            await _by_itself(container, self._endings.expire)
        for container in found.unfinished:
            log.info("%s was never finished", container.id)
            await _by_itself(container, self._endings.abandon)
        for container in found.undeleted:
            self._endings.finish_delete(container.id)
        for name in found.orphans:
            log.info("%s is on the engine without a record: it is removed", name)
            self._removals.begin(name, partial(self._sandboxes.destroy, name))

    async def relink(self) -> None:
        """Bring back the links of containers with a network that have lost theirs, as by a restart of the service.

        Others' links are brought back when somebody calls; in these, programs wait for the way out.
        """
        places = asyncio.Semaphore(RELINKS_AT_ONCE)

        async def relink(container_id: str) -> None:
            async with places:
                try:
                    await self._sandboxes.get(container_id)
                except SandlotError as error:
                    log.warning("%s has no way out at the moment: %s", container_id, error)

        async with asyncio.TaskGroup() as tasks:
            for container in await self._store.in_status(ContainerStatus.RUNNING):
                if container.network.enabled:
                    tasks.create_task(relink(container.id))

    async def _records(self) -> Collection[Container]:
        return await self._store.in_status(ContainerStatus.CREATING, ContainerStatus.RUNNING, ContainerStatus.DELETING)


async def _by_itself(container: Container, put_right: Callable[[Container], Awaitable[None]]) -> None:
    """Put something right; what fails is tried again the next time."""
    try:
        await put_right(container)
    except Exception:
        log.exception("%s can't be put right", container.id)
