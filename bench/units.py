"""How a time is shown: as itself, or as the speed at which bytes were moved in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

MEGABYTE = 1_000_000


class Unit(Protocol):
    """Turns seconds into the text of a table's cell."""

    def show(self, seconds: float) -> str:
        """The figure with its unit."""


@dataclass(frozen=True, slots=True)
class Milliseconds:
    """The time itself."""

    def show(self, seconds: float) -> str:
        """See Unit."""
        milliseconds = seconds * 1000
        return f"{milliseconds:.{0 if milliseconds >= 100 else 1}f} ms"


@dataclass(frozen=True, slots=True)
class Speed:
    """The speed of moving `size` bytes, in MB/s of a million bytes each."""

    size: int

    def show(self, seconds: float) -> str:
        """See Unit."""
        return f"{self.size / MEGABYTE / seconds:.0f} MB/s"
