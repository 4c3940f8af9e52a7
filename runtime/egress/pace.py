"""How much is done at once, on a loop that all connections share."""

from __future__ import annotations

import asyncio
import time

QUICK_SECONDS = 0.005


class Pace:
    """Finds the number of bytes that some work can be done for without others noticing, up to `most`.

    What hostile servers send may cost a thousand times as much as anything else.
    """

    def __init__(self, most: int) -> None:
        self.size = min(most, 1024)
        self._most = most
        self._began = time.perf_counter()

    def begin(self) -> None:
        """Work on up to `size` bytes follows."""
        self._began = time.perf_counter()

    async def end(self) -> None:
        """It is done: let others have their turn."""
        quick = time.perf_counter() - self._began < QUICK_SECONDS
        self.size = min(self.size * 2, self._most) if quick else max(self.size // 2, 1)
        await asyncio.sleep(0)
