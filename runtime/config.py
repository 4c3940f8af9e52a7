"""What an operator decides about the runtime."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from runtime.egress.config import EgressConfig


@dataclass(frozen=True, slots=True)
class Config:
    """`engine_runtime` is the OCI runtime (`runc`, `runsc`, ...), None for the engine's default.

    `database_url` None means an SQLite file in `data_dir`. `cpus` is the limit per sandbox.

    `blob_url` is where the bytes of files and skills are kept: `s3://bucket` or `s3://bucket/prefix`, None for the
    folder `blobs` in `data_dir`. `s3_endpoint` None means AWS; without keys, S3BlobStore looks for credentials itself.
    `file_max_bytes` is for a file that comes in one request, `key_max_bytes` for all that an API key stores. Each
    folder in `skills_dir` is a skill for everybody.

    `pool_size` is the least number of sandboxes that are kept ready, `pool_max_size` the most; 0 for none.
    `max_containers` is how many may live at once, None for no limit. No sandbox is started that would leave the host
    less memory than `memory_reserve`, in bytes.

    `secrets_key` is the text that containers' secrets are sealed with, None to have them in memory alone.
    """

    data_dir: Path
    database_url: str | None = None
    image: str = "sandlot/sandbox:latest"
    engine_runtime: str | None = None
    cpus: float = 1.0
    file_max_bytes: int = 512 * 1024**2
    blob_url: str | None = None
    s3_endpoint: str | None = None
    s3_region: str | None = None
    s3_access_key_id: str | None = None
    s3_secret_access_key: str | None = field(default=None, repr=False)
    key_max_bytes: int = 100 * 1024**3
    skills_dir: Path | None = None
    pool_size: int = 4
    pool_max_size: int = 8
    max_containers: int | None = None
    memory_reserve: int = 512 * 1024**2
    egress: EgressConfig = field(default_factory=EgressConfig)
    secrets_key: str | None = field(default=None, repr=False)
