"""How many sandboxes should be ready, by how many were wanted lately. Pure: the time is passed in, in seconds."""

from __future__ import annotations

from collections import deque

WINDOW_SECONDS = 60.0


class Demand:
    """As many as were wanted within the last minute, but never fewer than `least` nor more than `most`."""

    def __init__(self, least: int, most: int) -> None:
        self._least = least
        self._most = most
        self._times: deque[float] = deque(maxlen=most)  # more of them wouldn't change the answer

    def note(self, now: float) -> None:
        """One is wanted."""
        self._times.append(now)

    def size(self, now: float) -> int:
        """How many should be ready."""
        while self._times and self._times[0] <= now - WINDOW_SECONDS:
            self._times.popleft()
        return max(self._least, len(self._times))
