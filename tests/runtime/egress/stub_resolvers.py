"""A resolver whose answers a test gives, and what counts as public in the tests."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

STUBS = IPv4Network("127.64.0.0/10")
"""Where stub servers are."""


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Stub servers stand for the public ones; no other address does."""
    return address in STUBS


class StubResolver:
    """Implements runtime.egress.resolver.Resolver from a mapping, which may change at any time.

    An exception in an address's place is raised; `stalled` names get no answer. `questions` counts what was asked for;
    `asked` tells of the first one.
    """

    def __init__(self, answers: Mapping[str, str | Sequence[str] | Exception]) -> None:
        self.answers = dict(answers)
        self.stalled: set[str] = set()
        self.questions: Counter[str] = Counter()
        self.asked = asyncio.Event()

    async def resolve(self, name: str) -> Sequence[IPv4Address | IPv6Address]:
        """See Resolver."""
        self.questions[name] += 1
        self.asked.set()
        if name in self.stalled:
            await asyncio.Event().wait()
        answer = self.answers[name]
        if isinstance(answer, Exception):
            raise answer
        return [ip_address(each) for each in ([answer] if isinstance(answer, str) else answer)]
