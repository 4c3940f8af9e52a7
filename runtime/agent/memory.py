"""How often the kernel has killed something in this sandbox because its memory was used up."""

from __future__ import annotations

# cgroup v2, then v1, as they are seen from inside a container
SOURCES = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")


def oom_kills() -> int:
    """The kernel's count of out-of-memory kills in this sandbox; 0 where the kernel doesn't tell."""
    for source in SOURCES:
        try:
            with open(source, encoding="ascii") as lines:
                for line in lines:
                    name, _, value = line.partition(" ")
                    if name == "oom_kill":
                        return int(value)
        except OSError:
            continue
    return 0
