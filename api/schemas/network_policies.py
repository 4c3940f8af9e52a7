"""The `network_policy` of a request."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.base import RequestBody

Filled = Annotated[str, Field(min_length=1)]


class DomainSecret(RequestBody):
    """A value to be put into requests to one domain."""

    domain: Filled
    name: Filled
    value: Annotated[str, Field(min_length=1, max_length=10_485_760)]


class DisabledPolicy(RequestBody):
    """No network."""

    type: Literal["disabled"]


class AllowlistPolicy(RequestBody):
    """The network, as far as these domains."""

    type: Literal["allowlist"]
    allowed_domains: Annotated[list[str], Field(min_length=1)]
    domain_secrets: Annotated[list[DomainSecret], Field(min_length=1)] | None = None


NetworkPolicy = Annotated[DisabledPolicy | AllowlistPolicy, Field(discriminator="type")]
