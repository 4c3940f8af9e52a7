"""Resolvers and systems whose answers a test gives, and what counts as public in the tests."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

from runtime.egress.resolver import Answer

STUBS = IPv4Network("127.64.0.0/10")
"""Where stub servers are."""

ADDRESSES = [ip_address("192.0.2.1"), ip_address("2001:db8::1")]
SECONDS = 30.0
"""Until something is taken for stuck."""


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

    async def resolve(self, name: str, questions: asyncio.Semaphore) -> Sequence[IPv4Address | IPv6Address]:
        """See Resolver."""
        self.questions[name] += 1
        self.asked.set()
        if name in self.stalled:
            await asyncio.Event().wait()
        answer = self.answers[name]
        if isinstance(answer, Exception):
            raise answer
        return [ip_address(each) for each in ([answer] if isinstance(answer, str) else answer)]


class SlowSystem:
    """Answers a SystemResolver by a mapping, or ADDRESSES, and counts what it is asked.

    Names that begin with `slow` get their answer when it is told to `go_on`.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: Counter[str] = Counter()
        self.fault: Exception | None = None
        self.go_on = threading.Event()
        self.go_on.set()
        self._stalled: set[str] = set()

    def look_up(self, name: str) -> Answer:
        """See resolver.look_up."""
        self.asked[name] += 1
        if self.fault:
            raise self.fault
        if name.startswith("slow"):
            self._stalled.add(name)
            self.go_on.wait(SECONDS)
            self._stalled.discard(name)
        return self.answers.get(name, ADDRESSES)

    async def stalls(self, number: int) -> None:
        """Wait until so many names have yet to get their answer."""
        async with asyncio.timeout(SECONDS):
            while len(self._stalled) != number:  # noqa: ASYNC110 - threads tell no event of the loop's
                await asyncio.sleep(0.001)
