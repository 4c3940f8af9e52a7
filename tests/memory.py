"""How much a process's memory grows while something happens, by the kernel's own peak."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

MIB = 1024**2


@contextmanager
def growth(pid: int, meanwhile: str) -> Iterator[Callable[[], int]]:
    """Watch a process, and print the figure: afterwards, by how many bytes its memory was above its beginning at most.

    The peak is the kernel's, so nothing between two looks is missed.
    """
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # sets the peak back to what is held now
    before, peak = resident(pid), 0

    def grown() -> int:
        return peak - before

    yield grown
    peak = resident(pid, "VmHWM")
    print(f"memory of the service, {meanwhile}: {before / MIB:.0f} MiB, at most {grown() / MIB:.1f} MiB more")


def resident(pid: int, line: str = "VmRSS") -> int:
    """The bytes of memory that a process holds now, or by the line `VmHWM` has held at most."""
    for entry in Path(f"/proc/{pid}/status").read_text().splitlines():
        if entry.startswith(f"{line}:"):
            return int(entry.split()[1]) * 1024
    raise RuntimeError("The kernel does not tell.")
