"""How much is done at once, on a loop that all connections share."""

from __future__ import annotations

QUICK_SECONDS = 0.005


class Pace:
    """Finds the number of bytes that some work can be done for without others noticing: `size`, up to `most`.

    What hostile servers send may cost a thousand times as much as anything else.
    """

    def __init__(self, most: int) -> None:
        self.size = min(most, 1024)
        self._most = most

    def took(self, seconds: float) -> None:
        """Work on up to `size` bytes took so long."""
        if seconds >= QUICK_SECONDS:
            self.size = max(self.size // 2, 1)
        elif self.size < self._most:
            self.size = min(self.size * 2, self._most)
