"""What settings can be beside texts, numbers and paths: each a type for a field, with its check."""

from __future__ import annotations

import re
import ssl
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, Json, PlainValidator
from pydantic_settings import NoDecode

from runtime.egress.config import Network
from runtime.egress.domains import Domains
from runtime.egress.names import InvalidName, canonical, shown


def _split(text: Any) -> Any:
    return [entry.strip() for entry in text.split(",") if entry.strip()] if isinstance(text, str) else text


def _host_name(text: str) -> str:
    try:
        return canonical(text)
    except InvalidName as error:
        raise ValueError(f"'{shown(text)}' {error}") from None


def _domain(text: str) -> str:
    try:
        Domains.of_operator([text])
    except InvalidName as error:
        raise ValueError(f"'{shown(text)}' {error}") from None
    return text


def _like(pattern: str, otherwise: str) -> AfterValidator:
    """For texts that match a pattern; `otherwise` says in words what that is."""

    def matching(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(otherwise)
        return text

    return AfterValidator(matching)


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _certificates(path: Path) -> Path:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError as error:  # which SSLError is
        raise ValueError(f"no certificates in PEM form can be read from {path} ({error})") from None
    return path


COMMA_SEPARATED = (NoDecode, BeforeValidator(_split))
"""Makes a list one that isn't written as JSON."""

Port = Annotated[int, Field(ge=1, le=65535)]

Domain = Annotated[str, AfterValidator(_domain)]
"""What an operator may allow: a name, a pattern after `*.`, or `*`."""

_Ranges = dict[Annotated[str, AfterValidator(_host_name)], list[Annotated[Network, PlainValidator(ip_network)]]]
RangesByName = Annotated[Json[_Ranges], NoDecode]
"""Networks by the canonical name of a host, from JSON."""

BlobUrl = Annotated[str, _like(r"s3://[^/?#]+(/[^?#]*)?", "it has to be 's3://bucket' or 's3://bucket/prefix'")]
"""Where a bucket is, and what comes before the names in it."""

HttpUrl = Annotated[str, _like(r"https?://[^/].*", "it has to begin with 'https://' or 'http://'")]

AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
"""A path that is relative to where the service starts, or begins with `~`, made absolute."""

CertificateFile = Annotated[AbsolutePath, AfterValidator(_certificates)]
"""A PEM file with certificates that can be read."""
