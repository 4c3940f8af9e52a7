"""Network policies on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from api.schemas.base import RequestBody, ResponseBody
from runtime import network_values
from runtime.network_values import WantedNetwork

Filled = Annotated[str, Field(min_length=1)]


class DomainSecret(RequestBody):
    """A value to be put into requests to one domain."""

    domain: Filled
    name: Filled
    value: Annotated[str, Field(min_length=1, max_length=10_485_760, repr=False)]


class DisabledPolicy(RequestBody):
    """No network."""

    type: Literal["disabled"]

    def to_wanted(self) -> None:
        """Nothing is to be reached."""


class AllowlistPolicy(RequestBody):
    """The network, as far as these domains."""

    type: Literal["allowlist"]
    allowed_domains: Annotated[list[str], Field(min_length=1, fail_fast=True)]
    domain_secrets: Annotated[list[DomainSecret], Field(min_length=1, fail_fast=True)] | None = None

    def to_wanted(self) -> WantedNetwork:
        """What is to be reached."""
        secrets = [
            network_values.DomainSecret(secret.domain, secret.name, secret.value)
            for secret in self.domain_secrets or ()
        ]
        return WantedNetwork(self.allowed_domains, secrets)


NetworkPolicy = Annotated[DisabledPolicy | AllowlistPolicy, Field(discriminator="type")]
"""The `network_policy` of a request."""


class DisabledPolicyObject(ResponseBody):
    """The policy of a container without a network."""

    type: Literal["disabled"] = "disabled"


class AllowlistPolicyObject(ResponseBody):
    """The policy of a container with one. Nothing is said of its secrets."""

    type: Literal["allowlist"] = "allowlist"
    allowed_domains: Sequence[str]


NetworkPolicyObject = DisabledPolicyObject | AllowlistPolicyObject
"""A container's `network_policy`."""


def policy_object(policy: network_values.NetworkPolicy) -> NetworkPolicyObject:
    """A container's policy as clients see it, its domains in their canonical form."""
    if not policy.enabled:
        return DisabledPolicyObject()
    return AllowlistPolicyObject(allowed_domains=policy.allowed_domains)
