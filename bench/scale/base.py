"""What a benchmark at scale is."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from bench.scale.figures import Outcome


class ScaleBenchmark(Protocol):
    """Something that is done with many, once: services of its own are started for it, and its sandboxes removed."""

    @property
    def name(self) -> str:
        """What is done, in a few words."""

    def measure(self, folder: Path) -> Outcome:
        """Do it. `folder` is empty, and its own."""
