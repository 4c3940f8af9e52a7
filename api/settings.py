"""The settings, read from the environment here and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.setting_values import (
    COMMA_SEPARATED,
    AbsolutePath,
    BlobUrl,
    CertificateFile,
    Domain,
    HttpUrl,
    Port,
    RangesByName,
)
from runtime.config import Config
from runtime.egress.config import EgressConfig

PREFIX = "SANDLOT_"
MIN_SECRETS_KEY = 16
MIB = 1024**2
GIB = 1024**3

_DEFAULTS = Config(data_dir=Path("~/.sandlot"))


class Settings(BaseSettings):
    """What an operator can choose, each as an environment variable `SANDLOT_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, env_ignore_empty=True)

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    api_key: SecretStr | None = Field(
        default=None,
        description="The first API key, of at least 16 characters. "
        "Unset: one is made at the first start and kept in `DATA_DIR/api-key`.",
    )
    data_dir: AbsolutePath = Field(
        default=_DEFAULTS.data_dir,
        description="Where the database, the key file and, unless `SANDLOT_BLOB_URL` is set, the bytes of files and "
        "skills live. One service at a time may use it.",
    )
    database_url: str | None = Field(
        default=None,
        description="URL of the database, which has to be SQLite, and of one service alone. "
        "Unset: the file `DATA_DIR/sandlot.db`.",
    )
    image: str = Field(default=_DEFAULTS.image, description="The Docker image of the sandboxes.")
    engine_runtime: str | None = Field(
        default=None, description="The engine's OCI runtime, such as `runsc`. Unset: the engine's default."
    )
    cpus: float = Field(default=_DEFAULTS.cpus, ge=0.01, description="How many of the engine's CPUs a sandbox may use.")
    pool_size: int = Field(
        default=_DEFAULTS.pool_size,
        ge=0,
        description="How many sandboxes are kept ready, started ahead of the containers they will be; 0 for none. "
        "An idle one takes about 10 MiB of memory.",
    )
    pool_max_size: int | None = Field(
        default=None,
        ge=0,
        description="How many are kept ready at most. Up to that, it is as many as containers were created within the "
        "last minute. Unset: twice `SANDLOT_POOL_SIZE`.",
    )
    max_containers: int | None = Field(
        default=None,
        ge=1,
        description="How many containers may live at once; creates beyond that are answered with 429. Unset: no limit.",
    )
    memory_reserve_bytes: int = Field(
        default=_DEFAULTS.memory_reserve,
        ge=0,
        description="How much of the host's memory stays free: when there is less, creates are answered with 429, and "
        "no sandboxes are kept ready.",
    )
    expires_after_max_minutes: int = Field(
        default=1440, ge=1, description="The longest `expires_after.minutes` a request may ask for."
    )
    file_max_bytes: int = Field(
        default=_DEFAULTS.file_max_bytes, ge=1, description="The largest file that may be uploaded in one request."
    )
    key_max_bytes: int = Field(
        default=_DEFAULTS.key_max_bytes,
        ge=0,
        description="How many bytes of files, parts of uploads and skills an API key may store.",
    )
    blob_url: BlobUrl | None = Field(
        default=None,
        description="Where the bytes of files and skills are kept: `s3://bucket` or `s3://bucket/prefix` "
        "of an S3-compatible storage. Installations may share it. Unset: the folder `DATA_DIR/blobs`.",
    )
    s3_endpoint: HttpUrl | None = Field(default=None, description="URL of the S3-compatible storage. Unset: AWS.")
    s3_region: str | None = Field(
        default=None, description="The bucket's region. Unset: `AWS_REGION` or, without it, `us-east-1`."
    )
    s3_access_key_id: str | None = Field(
        default=None,
        description="The access key for the bucket. Unset: credentials are looked for in `AWS_ACCESS_KEY_ID` and the "
        "like, then in the role of the container or the machine.",
    )
    s3_secret_access_key: SecretStr | None = Field(
        default=None, validate_default=True, description="The secret that belongs to the access key."
    )
    skills_dir: AbsolutePath | None = Field(
        default=None,
        description="A folder of skills for every API key: each folder in it, with its `SKILL.md`, is a skill whose id "
        "is the folder's name. Read at the start.",
    )
    allowed_domains: Annotated[tuple[Domain, ...], *COMMA_SEPARATED] = Field(
        default=tuple(_DEFAULTS.egress.allowed_domains),
        description="The domains that containers may be allowed to reach, separated by commas: names, or "
        "`*.example.com` for all below one; `*` for every name. Requests for others are refused.",
    )
    egress_extra_ports: Annotated[tuple[Port, ...], *COMMA_SEPARATED] = Field(
        default=(),
        description="Ports, separated by commas, that containers may reach beside 80 and 443. On these, bytes pass "
        "without being looked at.",
    )
    egress_private_ranges: RangesByName = Field(
        default={},
        validate_default=False,  # it is no JSON
        description="Names that may lead to addresses that aren't public, and to which, as JSON: "
        '`{"git.corp.example": ["10.0.0.0/8"]}`.',
    )
    egress_max_connections: int = Field(
        default=_DEFAULTS.egress.max_connections,
        ge=1,
        description="How many connections a container may have at once.",
    )
    egress_max_bytes: int | None = Field(
        default=None,
        ge=1,
        description="How many bytes a container may send and receive through its connections, together, while the "
        "service runs. Unset: no limit.",
    )
    ca_bundle: CertificateFile | None = Field(
        default=None,
        description="A PEM file of certificates to trust beside the system's, where the service itself speaks TLS "
        "for a container: to domains with secrets. `make serve` also builds them into the sandbox image.",
    )
    secrets_key: SecretStr | None = Field(
        default=None,
        description="A text of at least 16 characters that containers' domain secrets are encrypted with, to be there "
        "again after a restart. Unset: they are in memory alone.",
    )
    request_max_bytes: int = Field(
        default=10 * MIB, ge=1024, description="The largest JSON request body, and so the largest `stdin`."
    )
    container_request_max_bytes: int = Field(
        default=80 * MIB,
        ge=1024,
        description="The largest body of `POST /v1/containers`, and so of all inline skills together.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="The least important log lines to write: DEBUG, INFO, WARNING or ERROR."
    )

    @field_validator("s3_secret_access_key")
    @classmethod
    def _pair(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if (secret is None) != (info.data.get("s3_access_key_id") is None):
            raise ValueError("the access key's id and its secret belong together: set both or none")
        return secret

    @field_validator("pool_max_size")
    @classmethod
    def _not_below_the_least(cls, most: int | None, info: ValidationInfo) -> int | None:
        if most is not None and most < info.data.get("pool_size", 0):
            raise ValueError("it can't be less than POOL_SIZE")
        return most

    @field_validator("secrets_key")
    @classmethod
    def _long_enough(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < MIN_SECRETS_KEY:
            raise ValueError(f"it has to be at least {MIN_SECRETS_KEY} characters long")
        return key

    def to_config(self) -> Config:
        """The part of the settings that the runtime is about."""
        secret, secrets_key = self.s3_secret_access_key, self.secrets_key
        return Config(
            data_dir=self.data_dir,
            database_url=self.database_url,
            image=self.image,
            engine_runtime=self.engine_runtime,
            cpus=self.cpus,
            file_max_bytes=self.file_max_bytes,
            key_max_bytes=self.key_max_bytes,
            blob_url=self.blob_url,
            s3_endpoint=self.s3_endpoint,
            s3_region=self.s3_region,
            s3_access_key_id=self.s3_access_key_id,
            s3_secret_access_key=None if secret is None else secret.get_secret_value(),
            skills_dir=self.skills_dir,
            pool_size=self.pool_size,
            pool_max_size=2 * self.pool_size if self.pool_max_size is None else self.pool_max_size,
            max_containers=self.max_containers,
            memory_reserve=self.memory_reserve_bytes,
            egress=EgressConfig(
                allowed_domains=self.allowed_domains,
                extra_ports=self.egress_extra_ports,
                private_ranges=self.egress_private_ranges,
                max_connections=self.egress_max_connections,
                max_bytes=self.egress_max_bytes,
                ca_bundle=self.ca_bundle,
            ),
            secrets_key=None if secrets_key is None else secrets_key.get_secret_value(),
        )

    @property
    def key_file(self) -> Path:
        """Where a generated API key is kept."""
        return self.data_dir / "api-key"


class SettingsError(Exception):
    """The environment holds values that cannot be used; the text names each."""


def read_settings() -> Settings:
    """The settings as the environment has them, or a SettingsError fit for the terminal."""
    _refuse_misspelt([name for name in os.environ if name.upper().startswith(PREFIX)])
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("\n".join(["These settings cannot be used:", *map(_line, error.errors())])) from None


def _line(fault: ErrorDetails) -> str:
    """What is wrong with one setting, and where in it."""
    name, *place = map(str, fault["loc"])
    return f"  {'.'.join([PREFIX + name.upper(), *place])}: {fault['msg'].removeprefix('Value error, ')}"


def _refuse_misspelt(names: Collection[str]) -> None:
    """One that is misspelt would be one that isn't set, and may be there to forbid something.

    What looks like none of them is somebody else's: for a service of that name Kubernetes sets a dozen.
    """
    known = [name.upper() for name in Settings.model_fields]
    lines = [
        f"  {name}: there is no such setting; is {PREFIX}{meant} meant?"
        for name in sorted(names)
        for meant in get_close_matches(name.upper().removeprefix(PREFIX), known, n=1, cutoff=0.8)
        if name.upper().removeprefix(PREFIX) not in known
    ]
    if lines:
        raise SettingsError("\n".join(["These settings cannot be used:", *lines]))


def settings_table() -> str:
    """The settings as a Markdown document, for docs/settings.md."""
    rows = [
        f"| `{PREFIX}{name.upper()}` | {_shown(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(
        [
            "# Settings",
            "",
            "Every setting is an environment variable. This table is made from `api/settings.py` by",
            "`python -m api.settings > docs/settings.md`; a test holds that it is current.",
            "With a variable that is almost one of these the service doesn't start: most likely it is misspelt.",
            "",
            "| variable | default | meaning |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _shown(default: object) -> str:
    """A default as the table shows it: lists as one writes them, sizes also in GiB or MiB where they are whole ones."""
    if default in (None, (), {}):
        return "unset"
    if isinstance(default, tuple):
        return f"`{','.join(default)}`"
    if isinstance(default, int):
        for unit, name in ((GIB, "GiB"), (MIB, "MiB")):
            if default >= unit and default % unit == 0:
                return f"`{default}` ({default // unit} {name})"
    return f"`{default}`"


if __name__ == "__main__":
    print(settings_table(), end="")
