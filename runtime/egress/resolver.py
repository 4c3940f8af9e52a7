"""Names to addresses, as the host's system finds them."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol

from runtime.egress.addresses import Address

KEEP_SECONDS = 5.0
MAX_KEPT = 4_096
MAX_QUESTIONS = 8
"""Of one sandbox at once. Each takes 25 KB (measured, Linux) and a descriptor, which is little beside a sandbox."""
MAX_ADDRESSES = 32
"""Of one name. DNS can have thousands, and a connection has each looked at, for 20 to 50 µs of everybody's time."""

_HOSTS = Path("/etc/hosts")
_NOT_FOUND = (socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_ADDRFAMILY)


class NameNotFound(Exception):
    """There is no such host, or it has no address."""


class ResolverFailed(Exception):
    """It could not be found out whether there is such a host."""


class Resolver(Protocol):
    """Finds the addresses of hosts."""

    async def resolve(self, name: str, questions: asyncio.Semaphore) -> Sequence[Address]:
        """The addresses of the host with canonical name `name`, at least one, the best first.

        A question waits for one of the asker's own places, `questions`, and takes it until there is an answer, even if
        nobody wants that any more. What is known already takes none.
        Raises NameNotFound or ResolverFailed. The only deadline is the caller's, who may cancel.
        """


Answer = Sequence[Address] | NameNotFound | ResolverFailed


def look_up(name: str) -> Answer:
    """The first addresses of the host with canonical name `name`, as the system knows them; or what is wrong. Blocks.

    The name is asked for as it is: the system's search list could make another one of it, so there is a dot at its
    end. Names in the hosts file have none, so that is read here, and first, as is usual.
    """
    if listed := in_hosts(name, _HOSTS):
        return listed
    try:
        found = socket.getaddrinfo(f"{name}.".encode("ascii"), None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        kind = NameNotFound if error.errno in _NOT_FOUND else ResolverFailed
        return kind(f"{name}: {error.strerror}")
    except OSError as error:
        return ResolverFailed(f"{name}: {error}")
    return [ip_address(address) for address in list(dict.fromkeys(entry[4][0] for entry in found))[:MAX_ADDRESSES]]


def in_hosts(name: str, file: Path) -> Sequence[Address]:
    """The addresses that a hosts file has for `name`; none if there is no such file."""
    try:
        lines = file.read_text("utf-8", "replace").lower().splitlines()
    except OSError:
        return []
    addresses = []
    for line in lines:
        address, *names = line.partition("#")[0].split() or [""]
        if name in names:
            with suppress(ValueError):  # a line that is no good concerns nobody else
                addresses.append(ip_address(address))
    return addresses


class SystemResolver:
    """Resolver by the system's own means.

    These block, for half a minute if a name's servers keep silent. So each question gets a thread that nothing waits
    for at the end of the service. Only each asker's number of them is bounded: what all shared, some could use up.
    Whoever wants to know what is being asked waits for the same answer; those that aren't failures are kept for
    KEEP_SECONDS.
    """

    def __init__(self, look_up: Callable[[str], Answer] = look_up) -> None:
        self._look_up = look_up
        self._asked: dict[str, asyncio.Future[Answer]] = {}
        self._kept: dict[str, tuple[float, Answer]] = {}  # until when; the oldest first

    async def resolve(self, name: str, questions: asyncio.Semaphore) -> Sequence[Address]:
        """See Resolver."""
        answer = await self._answer(name, questions)
        if isinstance(answer, Exception):
            raise type(answer)(*answer.args)
        return answer

    async def _answer(self, name: str, questions: asyncio.Semaphore) -> Answer:
        """What is known already, what somebody has asked for, or a question of its own once there is a place for it."""
        if not self._is_known(name):
            await questions.acquire()
            if not self._is_known(name):
                asked = self._ask(name)
                asked.add_done_callback(lambda _: questions.release())
                return await asyncio.shield(asked)
            questions.release()
        return await asyncio.shield(self._asked[name]) if name in self._asked else self._kept[name][1]

    def _is_known(self, name: str) -> bool:
        """Whether there is an answer, or will be. Answers that are too old, or too many, are dropped first."""
        now = time.monotonic()
        while self._kept:
            oldest = next(iter(self._kept))
            if self._kept[oldest][0] > now and len(self._kept) <= MAX_KEPT:
                break
            del self._kept[oldest]
        return name in self._asked or name in self._kept

    def _ask(self, name: str) -> asyncio.Future[Answer]:
        """Have a thread look the name up."""
        loop = asyncio.get_running_loop()
        asked = self._asked[name] = loop.create_future()

        def work() -> None:
            answer: Answer = ResolverFailed(f"{name}: the resolver is at fault")
            try:
                answer = self._look_up(name)
            finally:
                with suppress(RuntimeError):  # the loop has ended meanwhile
                    loop.call_soon_threadsafe(self._tell, name, answer)

        try:
            threading.Thread(target=work, name=f"resolve {name}", daemon=True).start()
        except RuntimeError as error:  # the system has no thread to spare
            self._tell(name, ResolverFailed(f"{name}: {error}"))
        return asked

    def _tell(self, name: str, answer: Answer) -> None:
        """Give all who wait for it the answer, and keep it."""
        self._asked.pop(name).set_result(answer)
        if not isinstance(answer, ResolverFailed):
            self._kept[name] = time.monotonic() + KEEP_SECONDS, answer
