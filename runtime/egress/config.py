"""What an operator decides about the way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

Network = IPv4Network | IPv6Network

HTTP_PORT = 80
TLS_PORT = 443


@dataclass(frozen=True, slots=True)
class EgressConfig:
    """`allowed_domains` bound what requests may ask for: names, `*.`-patterns, or `*` for every public name.

    `extra_ports` are open beside 80 and 443; on these, bytes pass without being looked at. `private_ranges` are the
    ranges, otherwise refused, that a name may lead to. `max_bytes` is for one container in its whole life, in both
    directions together, None for no limit. `ca_bundle` is a PEM file of authorities to be trusted beside the
    system's, where the runtime itself speaks TLS to a server. `dns_seconds` and the like are deadlines.
    """

    allowed_domains: Sequence[str] = ("*",)
    extra_ports: Sequence[int] = ()
    private_ranges: Mapping[str, Sequence[Network]] = field(default_factory=dict)
    max_connections: int = 256
    max_connections_in_all: int = 4096
    max_bytes: int | None = None
    ca_bundle: Path | None = None
    dns_seconds: float = 5.0
    connect_seconds: float = 10.0
    client_hello_seconds: float = 5.0
    idle_seconds: float = 600.0

    @property
    def ports(self) -> Sequence[int]:
        """All ports that are open."""
        return sorted({HTTP_PORT, TLS_PORT, *self.extra_ports})
