"""The system's clock, which jumps when it is set, or when a machine goes on after it was stopped from outside."""

from __future__ import annotations

import time

JUMP_SECONDS = 60
"""Less is how a clock is kept right, and moves nobody's expiry by much."""

# Unlike Python's own monotonic clock, it goes on while the machine sleeps: then nobody uses anything either. On macOS
# that is what CLOCK_MONOTONIC does.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock:
    """Notices when the system's clock jumps; `noticed` is asked often, so that slow corrections don't add up."""

    def __init__(self) -> None:
        self._ahead = _ahead()
        self._jumped_at = 0

    def noticed(self) -> int:
        """The time of the latest jump, as the clock has it since then; 0 if there was none."""
        ahead = _ahead()
        if abs(ahead - self._ahead) > JUMP_SECONDS:
            self._jumped_at = int(time.time())
        self._ahead = ahead
        return self._jumped_at


def _ahead() -> float:
    """How far the clock is ahead of one that nobody sets."""
    return time.time() - time.clock_gettime(_STEADY)
