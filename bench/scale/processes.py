"""What processes take, as the kernel says it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

KIB = 1024
PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


def available_bytes() -> int:
    """The memory of the machine that is there for whoever wants it: free, or given back without harm."""
    return _kib(PROC / "meminfo", "MemAvailable") * KIB


def resident_bytes(pid: int) -> int:
    """A process's memory, what it shares with others counted by its share alone (PSS)."""
    return _kib(PROC / str(pid) / "smaps_rollup", "Pss") * KIB


def cpu_seconds(pid: int) -> float:
    """The processor time that a process has taken since it started."""
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def inside(containers: Iterable[str]) -> list[int]:
    """The processes in containers, by the ids that the engine gives these."""
    wanted = set(containers)
    return [pid for pid, found in _read("cgroup") if any(part in wanted for part in _scopes(found))]


def shims(containers: Iterable[str]) -> list[int]:
    """The processes by which the engine holds containers, one each."""
    wanted = set(containers)
    return [pid for pid, line in _read("cmdline") if "shim" in line.partition("\0")[0] and wanted & {*line.split("\0")}]


def _scopes(cgroups: str) -> Iterator[str]:
    """The last parts of a process's cgroups: `<id>`, or `docker-<id>.scope` where systemd makes them."""
    for line in cgroups.splitlines():
        yield line.rpartition("/")[2].removeprefix("docker-").removesuffix(".scope")


def _read(name: str) -> Iterator[tuple[int, str]]:
    """A file of each process, of those that are still there."""
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                yield int(folder.name), (folder / name).read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue


def _kib(file: Path, name: str) -> int:
    for line in file.read_text().splitlines():
        label, _, value = line.partition(":")
        if label == name:
            return int(value.split()[0])
    raise ValueError(f"{file} has no {name}.")
