"""What programs are told of names, and the host of names they asked for in vain."""

from __future__ import annotations

import contextlib
import time
from collections import deque

from runtime.agent.channel import RequestFailed
from runtime.agent.dns import NAME_ERROR, NO_ERROR, SERVER_FAILURE, BadQuestion, read_question, reply
from runtime.agent.loop import Loop
from runtime.agent.mux import Mux
from runtime.agent.names import Names
from runtime.link.frames import Json

TOLD_PER_SECOND = 20
TOLD_AGAIN_SECONDS = 5.0
COUNTED_SECONDS = 1.0  # over which what isn't told is counted, to be told as a number


class Answers:
    """Answers for allowed names with their addresses. Others don't exist."""

    def __init__(self, loop: Loop, mux: Mux, names: Names) -> None:
        self._loop = loop
        self._mux = mux
        self._names = names
        self._told: deque[tuple[float, str]] = deque()  # in the last TOLD_AGAIN_SECONDS
        self._left_out = 0

    def answer(self, message: bytes) -> bytes | None:
        """The answer to a DNS message; None for what is not to be answered."""
        try:
            question = read_question(message)
        except BadQuestion as bad:
            return bad.answer
        if not self._names.allowed(question.name):
            self._tell(question.name)
            return reply(question, NAME_ERROR)
        address = self._names.address(question.name)
        if address is None:
            return reply(question, SERVER_FAILURE)
        return reply(question, NO_ERROR, address if question.wants_address else None)

    def _tell(self, name: str) -> None:
        """Tell the host what was asked for, unless it has been told just now, or there is too much to tell."""
        now = time.monotonic()
        while self._told and self._told[0][0] <= now - TOLD_AGAIN_SECONDS:
            self._told.popleft()
        if any(name == told for _, told in self._told):
            return
        lately = sum(when > now - 1 for when, _ in self._told)
        if lately < TOLD_PER_SECOND and self._open({"op": "lookup", "host": name}):
            self._told.append((now, name))
        else:
            if not self._left_out:
                self._loop.call_later(COUNTED_SECONDS, self._tell_left_out)
            self._left_out += 1

    def _tell_left_out(self) -> None:
        """Tell the host how many questions it wasn't told of."""
        if self._open({"op": "lookups_left_out", "number": self._left_out}):
            self._left_out = 0
        else:
            self._loop.call_later(COUNTED_SECONDS, self._tell_left_out)

    def _open(self, header: Json) -> bool:
        """Say something on a channel of its own, which the host closes; False when that can't be at the moment."""
        if self._mux.has_room:
            with contextlib.suppress(RequestFailed):
                self._mux.open(header)
                return True
        return False
