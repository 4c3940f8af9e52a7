"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import time
from contextlib import closing
from pathlib import Path

import docker

WATCH_SECONDS = 1.0


def describe() -> dict[str, str]:
    """The machine and the engine, as far as they matter for times."""
    with closing(docker.from_env()) as client:
        engine = client.info()
    return {
        "processor": f"{os.cpu_count()} x {_processor()}",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "engine": f"{engine['ServerVersion']}, {engine['Driver']}, {engine['DefaultRuntime']}",
        "busy before the start": f"{_busy_share():.0%}",
    }


def _busy_share() -> float:
    """The share of all processors that others used while this watched: what the figures suffer from."""
    before = _ticks()
    time.sleep(WATCH_SECONDS)
    spent = [now - then for now, then in zip(_ticks(), before, strict=True)]
    idle = spent[3] + spent[4]  # waiting for nothing, waiting for a disk
    return 1 - idle / sum(spent)


def _ticks() -> list[int]:
    """The kernel's count of what the processors have done since it started, by kind."""
    return [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
