"""How many connections there may be at once."""

from __future__ import annotations


class Places:
    """A number of places. Who takes one of these takes one `within` too, where that is given."""

    def __init__(self, number: int, within: Places | None = None) -> None:
        self._free = number
        self._within = within

    def take(self) -> bool:
        """Take a place; False when there is none."""
        if self._free <= 0 or (self._within is not None and not self._within.take()):
            return False
        self._free -= 1
        return True

    def give_back(self) -> None:
        """Give back a place that was taken."""
        self._free += 1
        if self._within is not None:
            self._within.give_back()
