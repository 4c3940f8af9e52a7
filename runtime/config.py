"""What an operator decides about the runtime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Config:
    """`engine_runtime` is the OCI runtime (`runc`, `runsc`, ...), None for the engine's default.

    `database_url` None means an SQLite file in `data_dir`. `cpus` is the limit per sandbox.
    """

    data_dir: Path
    database_url: str | None = None
    image: str = "sandlot/sandbox:latest"
    engine_runtime: str | None = None
    cpus: float = 1.0
    file_max_bytes: int = 512 * 1024**2
