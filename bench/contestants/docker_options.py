"""What keeps a container in, as far as Docker's own tools say it: the same limits that Sandlot's containers have."""

from __future__ import annotations

import os
from typing import Any

LABEL = "sandlot.bench"
"""On every container made here, with the id of the process that made it."""

LABELS = {LABEL: str(os.getpid())}

LIMITS = (
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--memory=1g",
    "--memory-swap=1g",
    "--pids-limit=512",
    "--cpus=1",
    "--user=1000:1000",
    "--log-driver=none",
    *(f"--label={name}={value}" for name, value in LABELS.items()),
)
"""Of the command line, without what it says about the network."""

CLI = ("--network=none", *LIMITS)

SDK: dict[str, Any] = {
    "network_mode": "none",
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "mem_limit": "1g",
    "memswap_limit": "1g",
    "pids_limit": 512,
    "nano_cpus": 1_000_000_000,
    "user": "1000:1000",
    "log_config": {"type": "none"},
    "labels": LABELS,
}

IDLE = ("sleep", "infinity")
"""What keeps a container running while commands are run in it."""
