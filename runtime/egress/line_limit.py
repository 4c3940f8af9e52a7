"""How often something may be logged that a sandbox can bring about as often as it likes."""

from __future__ import annotations

import time

PER_SECOND = 1.0  # at most some 15 MB a day
BURST = 100.0


class LineLimit:
    """Lets BURST lines through at once, and PER_SECOND in the long run; counts the others."""

    def __init__(self) -> None:
        self._tokens = BURST
        self._asked_at = time.monotonic()
        self._left_out = 0

    def allows(self) -> bool:
        """Whether one more line may be written."""
        now = time.monotonic()
        self._tokens = min(BURST, self._tokens + (now - self._asked_at) * PER_SECOND)
        self._asked_at = now
        if self._tokens < 1:
            self._left_out += 1
            return False
        self._tokens -= 1
        return True

    def left_out(self) -> int:
        """How many lines were left out since this was last asked."""
        number, self._left_out = self._left_out, 0
        return number
