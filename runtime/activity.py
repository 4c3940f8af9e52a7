"""When each container was last used. Kept in memory and written in batches, so that no call waits for it."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import replace

from runtime.clock import Clock
from runtime.store.base import ContainerStore
from runtime.values import Container


class Activity:
    """Last uses that the store doesn't know yet, and uses that are under way."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._unwritten: set[str] = set()
        self._in_use: Counter[str] = Counter()
        self._latest = -math.inf
        self._clock = Clock()

    def touch(self, container_id: str) -> None:
        """The container is used now."""
        self._note(container_id)
        self._latest = time.monotonic()

    def begin(self, container_id: str) -> None:
        """A use begins that takes a while."""
        self._in_use[container_id] += 1
        self.touch(container_id)

    def end(self, container_id: str) -> None:
        """A use that was begun has ended."""
        self._in_use[container_id] -= 1
        if not self._in_use[container_id]:
            del self._in_use[container_id]
        if container_id in self._last:  # not forgotten meanwhile
            self.touch(container_id)

    def quiet_seconds(self) -> float:
        """For how long no use of a container has begun or ended. One that takes long may only wait for something."""
        return time.monotonic() - self._latest

    def in_use(self, container_id: str) -> bool:
        """Whether a use is under way."""
        return container_id in self._in_use

    def current(self, container: Container) -> Container:
        """The record with the newest of all times.

        A jump of the system's clock counts as a use: nobody can have used anything in the time that was left out.
        """
        last = max(container.last_active_at, self._last.get(container.id, 0), self._clock.noticed())
        return replace(container, last_active_at=last)

    def forget(self, container_id: str) -> None:
        """The container is gone."""
        self._last.pop(container_id, None)
        self._unwritten.discard(container_id)

    async def write(self, store: ContainerStore) -> None:
        """Bring the store up to date. What couldn't be written, or was used meanwhile, is written the next time.

        A use that takes long is written again and again: were the service killed, its container would look unused.
        """
        self._clock.noticed()
        for container_id in self._in_use:
            if container_id in self._last:  # not forgotten meanwhile
                self._note(container_id)
        times = {container_id: self._last[container_id] for container_id in self._unwritten}
        if times:
            await store.touch(times)
            self._unwritten -= {name for name, written in times.items() if self._last.get(name) == written}

    def _note(self, container_id: str) -> None:
        self._last[container_id] = int(time.time())
        self._unwritten.add(container_id)
