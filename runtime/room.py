"""How many containers there may be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from runtime.errors import Busy
from runtime.gates import Gates


class Room:
    """Room for `most` containers at once; None for no limit. Those that have a gate count, and those to come."""

    def __init__(self, gates: Gates, most: int | None) -> None:
        self._gates = gates
        self._most = most
        self._coming = 0  # creates that have a place, and no gate yet

    @contextmanager
    def place(self) -> Iterator[None]:
        """Keep room for one until the end of the context. Raises Busy where there is none."""
        self.check()
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1

    def check(self) -> None:
        """Raise Busy where there is no room for another."""
        if self._most is not None and len(self._gates) + self._coming >= self._most:
            raise Busy("There are as many containers as there may be. Delete one, or try again later.", retry_after=5)
