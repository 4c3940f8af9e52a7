"""The connections that clients hold: how many there may be, and how long one may keep the service waiting."""

from __future__ import annotations

import logging
from enum import Enum, auto

from uvicorn.server import ServerState

log = logging.getLogger(__name__)

# A whole head takes clients milliseconds. A body may come slowly, but a peer that is alive sends something of it.
HEAD_SECONDS = 20
BODY_SECONDS = 60

# A client that takes an answer slowly may have megabytes of it in the kernel's hands before it takes more from here.
ANSWER_SECONDS = 300

# Longer than clients keep an idle connection, so that it is never the service that hangs up on a request.
KEEP_ALIVE_SECONDS = 75

# Where others can't come in any more, a connection that serves nobody is not worth more than this.
CROWDED_SECONDS = 1
CROWDED = 0.75

MOST_CONNECTIONS = 8192
"""Each may take memory for a head: these half a gigabyte."""


class Awaited(Enum):
    """What the service waits for on a connection."""

    HEAD = auto()
    """All of a request's head."""
    BODY = auto()
    """More of the body of a request that has no answer yet."""
    ANSWER = auto()
    """That more of an answer is taken, by a client that has some of it already."""
    NEXT = auto()
    """Another request; or what is left of one that was answered before it was read."""


def patience(awaited: Awaited, *, crowded: bool) -> float:
    """For how many seconds it is waited for: for a head in all, otherwise since the last byte."""
    if awaited is Awaited.ANSWER and not crowded:
        return ANSWER_SECONDS
    if awaited in (Awaited.BODY, Awaited.ANSWER):
        return BODY_SECONDS
    if crowded:
        return CROWDED_SECONDS
    return HEAD_SECONDS if awaited is Awaited.HEAD else KEEP_ALIVE_SECONDS


def most_connections(open_files: int) -> int:
    """How many there may be, of so many files that may be open: the other half is for sandboxes and storage."""
    return min(open_files // 2, MOST_CONNECTIONS)


class Connections(ServerState):
    """What uvicorn's connections share: among it the set of them, and here also how large it may become."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self._refused = 0

    def full(self) -> bool:
        """Whether there is no room for another connection, which is then counted as refused."""
        full = len(self.connections) >= self._most
        self._refused += full
        return full

    def crowded(self) -> bool:
        """Whether room is about to run out."""
        return len(self.connections) >= self._most * CROWDED

    def tell_of_refused(self) -> None:
        """Write to the log how many were refused since the last time, if any were."""
        if self._refused:
            log.warning("%d connections were refused: there were %d already", self._refused, self._most)
            self._refused = 0
