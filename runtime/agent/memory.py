"""How often the kernel has killed something in this sandbox because its memory was used up."""

from __future__ import annotations

import contextlib
import os

# cgroup v2, then v1, as they are seen from inside a container
SOURCES = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")
SIZE = 4096  # bytes; they have about a hundred


class Memory:
    """The kernel's account of this sandbox's memory, kept open: every command reads it."""

    def __init__(self) -> None:
        self._sources = []
        for source in SOURCES:
            with contextlib.suppress(OSError):
                self._sources.append(os.open(source, os.O_RDONLY | os.O_CLOEXEC))

    def oom_kills(self) -> int:
        """The count of out-of-memory kills in this sandbox; 0 where the kernel doesn't tell."""
        for source in self._sources:
            with contextlib.suppress(OSError):
                for line in os.pread(source, SIZE, 0).splitlines():
                    name, _, value = line.partition(b" ")
                    if name == b"oom_kill":
                        return int(value)
        return 0
