"""How often something may be logged that a sandbox can bring about as often as it likes."""

from __future__ import annotations

import time


class LineLimit:
    """Lets `burst` lines through at once, and `per_second` in the long run."""

    def __init__(self, *, burst: float, per_second: float) -> None:
        self._burst = self._tokens = burst
        self._per_second = per_second
        self._asked_at = time.monotonic()

    def allows(self) -> bool:
        """Whether one more line may be written."""
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._asked_at) * self._per_second)
        self._asked_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
