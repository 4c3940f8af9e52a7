"""What is left of keys that were deleted."""

from __future__ import annotations

import logging

from runtime.containers import ContainerService
from runtime.store.base import KeyStore

log = logging.getLogger(__name__)


class Ownerless:
    """Containers, files, uploads and skills that are no key's any more.

    What goes with a key goes when it is deleted. But it may still have been good for something afterwards, or have had
    an upload under way; and containers are left to this.
    """

    def __init__(self, keys: KeyStore, containers: ContainerService) -> None:
        self._keys = keys
        self._containers = containers

    async def remove(self) -> None:
        """Remove all of it."""
        for owner in await self._keys.ownerless():
            log.info("What %s has left is removed: there is no such key", owner)
            await self._containers.delete_all(owner)
            await self._keys.remove_belongings(owner)
