"""The names that programs may reach, each with a loopback address of its own."""

from __future__ import annotations

from collections.abc import Iterable

PREFIX = "127.53"
MAX_NAMES = 4096  # those that patterns stand for; the others are as many as are listed


class Names:
    """Which names are allowed, and which address stands for which: given when first asked for, and never to another."""

    def __init__(self) -> None:
        self._names: frozenset[str] = frozenset()
        self._suffixes: frozenset[str] = frozenset()
        self._addresses: dict[str, str] = {}
        self._by_address: dict[str, str] = {}

    def allow(self, names: Iterable[str]) -> None:
        """From now on allow these and no others: names in lower case, or `*.example.com` for all below one."""
        listed = list(names)
        self._suffixes = frozenset(name[2:] for name in listed if name.startswith("*."))
        self._names = frozenset(name for name in listed if not name.startswith("*."))

    def allowed(self, name: str) -> bool:
        """Whether a name in lower case may be reached."""
        if name in self._names:
            return True
        while name and self._suffixes:
            name = name.partition(".")[2]
            if name in self._suffixes:
                return True
        return False

    def address(self, name: str) -> str | None:
        """The address of an allowed name; None when too many have one."""
        if name not in self._addresses:
            number = len(self._addresses) + 1
            if number > MAX_NAMES and name not in self._names:
                return None
            address = f"{PREFIX}.{number >> 8}.{number & 255}"
            self._addresses[name] = address
            self._by_address[address] = name
        return self._addresses[name]

    def at(self, address: str) -> str | None:
        """The allowed name that an address stands for."""
        name = self._by_address.get(address)
        return name if name is not None and self.allowed(name) else None
