"""Which addresses belong to the public internet.

The tables are the runtime's own: ipaddress's `is_global` has changed its mind from one Python to the next. For IPv4
they list what isn't public; for IPv6 only 2000::/3 can be, so what is embedded elsewhere (v4-mapped, v4-compatible,
NAT64), unique local (with the clouds' metadata in it), link-local, site-local and multicast need no line of their own.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from runtime.egress.config import EgressConfig

Address = IPv4Address | IPv6Address

# IANA's registry of special-purpose IPv4 addresses (RFC 6890 and its successors), multicast, and what clouds add.
_NOT_PUBLIC_V4 = [
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared behind carriers' NAT; Alibaba's metadata
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's metadata, in the middle of public addresses
        "169.254.0.0/16",  # link-local; most clouds' metadata
        "172.16.0.0/12",  # private; Docker's bridges
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved; broadcast
    )
]
_UNICAST_V6 = IPv6Network("2000::/3")
# The same registry for IPv6, as far as it is within that.
_NOT_PUBLIC_V6 = [
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, AMT, AS112, ORCHID, drones
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: any IPv4 address is embedded in these
        "2620:4f:8000::/48",  # AS112
        "3ffe::/16",  # the 6bone, which is gone
        "3fff::/20",  # documentation
    )
]


def is_public(address: Address) -> bool:
    """Whether `address` can be that of somebody else's server on the internet."""
    return not is_special(address) and not is_own(address)


def is_special(address: Address) -> bool:
    """Whether `address` is set aside for something else than a server on the internet."""
    if isinstance(address, IPv4Address):
        return any(address in network for network in _NOT_PUBLIC_V4)
    return (
        address.scope_id is not None
        or address not in _UNICAST_V6
        or any(address in network for network in _NOT_PUBLIC_V6)
    )


def is_own(address: Address) -> bool:
    """Whether packets to `address` stay on this machine: from where would they go? None is sent to find out."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 1))
            source = ip_address(probe.getsockname()[0])
    except OSError:  # there is no way to it
        return False
    return source == address or source.is_loopback


def vetted(
    addresses: Iterable[Address],
    name: str,
    config: EgressConfig,
    is_public: Callable[[Address], bool] = is_public,
) -> Sequence[Address]:
    """Those of the addresses of the host with canonical name `name` that may be dialled, in their order.

    They are public, or in a range that the operator allows for this very name.
    """
    ranges = config.private_ranges.get(name, ())
    return [address for address in addresses if any(address in range_ for range_ in ranges) or is_public(address)]
