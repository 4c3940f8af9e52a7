"""Addresses: what is public, what is this machine's, and what a name may lead to."""

from __future__ import annotations

import fcntl
import socket
import struct
import subprocess
import sys
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.egress.addresses import is_own, is_public, is_special, vetted
from runtime.egress.config import EgressConfig

SIOCGIFADDR, SIOCSIFADDR, SIOCSIFFLAGS = 0x8915, 0x8916, 0x8914

NOT_PUBLIC = {
    "this network": ["0.0.0.1", "0.255.255.255"],
    "loopback": ["127.0.0.1", "127.53.0.1", "127.255.255.255", "::1"],
    "unspecified": ["0.0.0.0", "::"],  # noqa: S104 - nothing is bound
    "private": ["10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255"],
    "docker": ["172.17.0.1", "172.18.0.2"],
    "unique local": ["fc00::1", "fd00::1", "fdff:ffff::1"],
    "link-local": ["169.254.0.1", "169.254.255.255", "fe80::1", "fe80::1%eth0", "febf::1"],
    "site-local": ["fec0::1", "feff::1"],
    "CGNAT": ["100.64.0.0", "100.127.255.255"],
    "metadata": [
        "169.254.169.254",
        "169.254.170.2",
        "169.254.169.123",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fe80::a9fe:a9fe",
    ],
    "protocol assignments": ["192.0.0.0", "192.0.0.8", "192.0.0.170", "2001::1", "2001:1::1", "2001:1ff:ffff::1"],
    "documentation": [
        *("192.0.2.1", "192.0.2.255", "198.51.100.1", "198.51.100.255", "203.0.113.1", "203.0.113.255"),
        *("2001:db8::1", "2001:db8:ffff::1", "3fff::1", "3fff:fff:ffff::1"),
    ],
    "benchmarks": ["198.18.0.1", "198.19.255.255", "2001:2::1"],
    "AS112 and AMT": [
        *("192.31.196.1", "192.31.196.255", "192.175.48.1", "192.175.48.255", "192.52.193.1", "192.52.193.255"),
        *("2001:4:112::1", "2620:4f:8000::1", "2620:4f:8000:ffff::1", "2001:3::1"),
    ],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "reserved": ["240.0.0.1", "255.255.255.254", "4000::1", "8000::1", "e000::1"],
    "broadcast": ["255.255.255.255"],
    "of one interface": ["2606:4700::1%eth0"],
    "v4-mapped": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8"],
    "v4-compatible": ["::127.0.0.1", "::10.0.0.1", "::8.8.8.8"],
    "v4-translated": ["::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8"],
    "NAT64": ["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::808:808", "64:ff9b:1::1", "64:ff9b:1:ffff::1"],
    "6to4": ["2002::1", "2002:7f00:1::1", "2002:a9fe:a9fe::1", "2002:808:808::1", "192.88.99.1", "192.88.99.255"],
    "Teredo": ["2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    "ORCHID": ["2001:10::1", "2001:20::1", "2001:2f:ffff::1", "2001:30::1"],
    "the 6bone": ["3ffe::1", "3ffe:ffff::1"],
    "discard": ["100::1", "100:0:0:1::1"],
    "segment routing": ["5f00::1"],
}
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "168.63.129.17",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.0.3.0",
    "192.167.255.255",
    "192.31.197.0",
    "192.52.192.255",
    "192.88.98.255",
    "192.169.0.0",
    "192.175.49.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.101.0",
    "203.0.112.255",
    "223.255.255.255",
    "2000::1",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2001:db7:ffff::1",
    "2001:db9::1",
    "2003::1",
    "2606:4700:4700::1111",
    "2620:4f:8001::1",
    "2a00:1450:4001::200e",
    "3ffd::1",
    "3fff:1000::1",
]
CORP = EgressConfig(private_ranges={"git.corp.test": [ip_network("10.1.0.0/16"), ip_network("fd12::/16")]})
ADDRESSES = st.ip_addresses()


@pytest.mark.parametrize(
    "address",
    [pytest.param(text, id=f"{kind}: {text}") for kind, texts in NOT_PUBLIC.items() for text in texts],
)
def test_not_public(address: str) -> None:
    """An address of each kind that isn't a server's on the internet, at the edges of its range."""
    assert is_special(ip_address(address))
    assert not is_public(ip_address(address))
    assert vetted([ip_address(address)], "a.test", EgressConfig()) == []


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    """Addresses of the internet, some right beside ranges that aren't."""
    assert is_public(ip_address(address))


@given(st.one_of(ADDRESSES, st.ip_addresses(network="2001::/16"), st.ip_addresses(network="192.0.0.0/8")))
def test_stricter_than_the_standard_library(address: IPv4Address | IPv6Address) -> None:
    """What Python, by its copy of the registries, takes for not global isn't public here either."""
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert is_special(address)


@given(st.ip_addresses(v=4))
def test_embedded(address: IPv4Address) -> None:
    """No IPv4 address gets through inside an IPv6 one."""
    for prefix in ("::", "::ffff:0:0", "::ffff:0:0:0", "64:ff9b::", "64:ff9b:1::", "2001::"):
        assert is_special(IPv6Address(int(IPv6Address(prefix)) | int(address)))
    assert is_special(IPv6Address(int(IPv6Address("2002::")) | int(address) << 80))


def test_own() -> None:
    """Each address of this machine is known as its own, whatever range it is in."""
    assert is_own(ip_address("127.0.0.1"))
    assert is_own(ip_address("127.1.2.3"))
    assert is_own(ip_address("::1"))
    assert all(map(is_own, map(ip_address, interface_addresses())))


def interface_addresses() -> list[str]:
    """The IPv4 addresses of this machine's interfaces; netdevice(7)."""
    addresses = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            with suppress(OSError):  # it has none
                answer = fcntl.ioctl(asking, SIOCGIFADDR, struct.pack("40s", name.encode()))
                addresses.append(socket.inet_ntoa(answer[20:24]))
    return addresses


def test_own_public_addresses() -> None:
    """A machine that is on the internet itself doesn't lead its sandboxes to its own services there."""
    program = f"""
import fcntl, socket, struct
from ipaddress import ip_address
from runtime.egress.addresses import is_public
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
    address = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton("93.184.215.14"))
    fcntl.ioctl(asking, {SIOCSIFADDR}, struct.pack("16s24s", b"lo", address))
    fcntl.ioctl(asking, {SIOCSIFFLAGS}, struct.pack("16sH22x", b"lo", 1))
print(is_public(ip_address("93.184.215.14")), is_public(ip_address("93.184.215.15")))
"""
    told = subprocess.run(["unshare", "--net", sys.executable, "-c", program], capture_output=True, check=True)
    assert told.stdout.split() == [b"False", b"True"]


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "203.0.113.77", "2606:4700:4700::1111", "2001:db8::77"])
def test_not_own(address: str) -> None:
    """Others' addresses aren't, whether or not there is a way to them."""
    assert not is_own(ip_address(address))


def test_mixed_answers() -> None:
    """Of several addresses those that may be dialled are left, in their order."""
    answers = ["10.0.0.1", "8.8.8.8", "::1", "2606:4700::1", "::ffff:8.8.8.8", "1.1.1.1", "169.254.169.254"]
    assert vetted(map(ip_address, answers), "a.test", EgressConfig()) == [
        ip_address(text) for text in ("8.8.8.8", "2606:4700::1", "1.1.1.1")
    ]


@pytest.mark.parametrize(
    ("name", "address", "is_vetted"),
    [
        ("git.corp.test", "10.1.2.3", True),
        ("git.corp.test", "fd12::1", True),
        ("git.corp.test", "8.8.8.8", True),
        ("git.corp.test", "10.2.0.1", False),
        ("git.corp.test", "127.0.0.1", False),
        ("git.corp.test", "::ffff:10.1.2.3", False),
        ("git.corp.test", "fd13::1", False),
        ("corp.test", "10.1.2.3", False),
        ("a.git.corp.test", "10.1.2.3", False),
        ("evil.test", "10.1.2.3", False),
    ],
)
def test_private_ranges(name: str, address: str, is_vetted: bool) -> None:
    """A range that the operator allows for one name is open for that name, and for no other."""
    assert bool(vetted([ip_address(address)], name, CORP)) is is_vetted


def test_what_is_public_can_be_told() -> None:
    """Where there is no internet, other addresses can be taken for it."""
    answers = [ip_address("127.1.0.1"), ip_address("8.8.8.8")]
    assert vetted(answers, "a.test", EgressConfig(), lambda address: address.is_loopback) == answers[:1]
