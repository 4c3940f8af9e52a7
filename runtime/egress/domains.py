"""Which hosts a list of names and patterns means. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from runtime.egress.names import canonical

_BELOW = "*."


@dataclass(frozen=True, slots=True)
class DomainPattern:
    """The host `name`; or with `wildcard` every host below it, however deep, but not itself."""

    name: str
    wildcard: bool = False

    @classmethod
    def parse(cls, text: str) -> DomainPattern:
        """A name, or one after `*.`, in its canonical form. Raises InvalidName."""
        return cls(canonical(text.removeprefix(_BELOW)), text.startswith(_BELOW))

    def __str__(self) -> str:
        return f"{_BELOW}{self.name}" if self.wildcard else self.name


ANY = DomainPattern("", wildcard=True)
"""Every host: all are below the root. Only operators may say so, by `*`."""


class Domains:
    """What many patterns mean together; asking takes as long as the name has parts, however many patterns there are."""

    def __init__(self, patterns: Iterable[DomainPattern]) -> None:
        self._patterns = frozenset(patterns)

    @classmethod
    def of_operator(cls, texts: Sequence[str]) -> Domains:
        """What an operator allows: names, `*.`-patterns, and `*` for every name. Raises InvalidName."""
        return _of_operator(tuple(texts))

    def matches(self, name: str) -> bool:
        """Whether the host with this canonical name is meant."""
        return self.covers(DomainPattern(name))

    def covers(self, other: DomainPattern) -> bool:
        """Whether one of the patterns covers `other`."""
        return other in self._patterns or any(
            DomainPattern(above, wildcard=True) in self._patterns for above in _above(other.name)
        )


@lru_cache(maxsize=1)  # it is the same list for every container, and may be a long one
def _of_operator(texts: Sequence[str]) -> Domains:
    return Domains(ANY if text == "*" else DomainPattern.parse(text) for text in texts)


def _above(name: str) -> Iterator[str]:
    """The domains that a name is in, from its parent to the root, which is the empty name."""
    while name:
        name = name.partition(".")[2]
        yield name
