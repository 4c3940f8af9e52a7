"""Which names are allowed, and which address stands for which."""

from __future__ import annotations

import pytest

from runtime.agent.names import MAX_NAMES, Names


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("api.test", True),
        ("a.wild.test", True),
        ("a.b.c.wild.test", True),
        ("wild.test", False),
        ("awild.test", False),
        ("a.api.test", False),
        ("api.test.evil", False),
        ("a.wild.test.evil", False),
        ("test", False),
        ("", False),
        (".", False),
        (".wild.test", True),  # no name at all, which the host will say
        ("*.wild.test", True),
    ],
)
def test_allowed(name: str, allowed: bool) -> None:
    """A name is allowed as itself; a pattern allows what is below it, at any depth, and not itself."""
    names = Names()
    names.allow(["api.test", "*.wild.test"])
    assert names.allowed(name) is allowed


def test_nothing_is_allowed_at_first() -> None:
    """Without having been told any, there are no names."""
    assert not Names().allowed("api.test")


def test_addresses() -> None:
    """Each name has an address of its own that stays its own, and leads back to it while it is allowed."""
    names = Names()
    names.allow(["*.test", "listed.test"])
    addresses = {f"{number}.test": names.address(f"{number}.test") for number in range(MAX_NAMES)}
    assert len(set(addresses.values())) == MAX_NAMES
    assert names.address("one-more.test") is None
    assert names.address("listed.test") == "127.53.16.1"
    for name, address in addresses.items():
        assert address is not None
        assert address.startswith("127.53.")
        assert names.address(name) == address
        assert names.at(address) == name
    names.allow(["5.test"])
    assert names.at(str(addresses["5.test"])) == "5.test"
    assert names.at(str(addresses["6.test"])) is None
    assert names.at("127.53.255.255") is None
