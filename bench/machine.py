"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from contextlib import closing
from pathlib import Path

import docker


def describe() -> dict[str, str]:
    """The machine and the engine, as far as they matter for times."""
    with closing(docker.from_env()) as client:
        engine = client.info()
    return {
        "processor": f"{os.cpu_count()} x {_processor()}",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "engine": f"{engine['ServerVersion']}, {engine['Driver']}, {engine['DefaultRuntime']}",
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
