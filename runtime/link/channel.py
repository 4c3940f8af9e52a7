"""One request on a link, from the host's side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TYPE_CHECKING, Self

from runtime.errors import SandboxLost
from runtime.link.flow import Incoming, Outgoing
from runtime.link.frames import (
    COUNT,
    CREDIT,
    DATA,
    END,
    REPLY,
    RESET,
    WINDOW,
    Frame,
    Json,
    ProtocolError,
    decode_json,
    encode,
)

if TYPE_CHECKING:
    from runtime.link.session import LinkSession

Failure = Callable[[], Exception]
"""Makes an error anew for each who waits: one that is kept would keep all that was at hand where it was raised."""


class RequestRefused(Exception):
    """The agent says that a request can't be done. Code and message are the sandbox's: not to be trusted."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Channel:
    """Sends a request's body, then gives the header and the body of the answer.

    To be closed, at best as a context manager: before the answer has ended, that gives the request up. Waits raise
    RequestRefused when the agent refuses, SandboxLost when the link ends. Used by one task at a time.
    """

    def __init__(self, session: LinkSession, number: int) -> None:
        self.number = number
        self._session = session
        self._outgoing = Outgoing(WINDOW)
        self._incoming = Incoming(WINDOW, WINDOW // 4)
        self._header: Json | None = None
        self._ended = False
        self._failure: Failure | None = None
        self._changed = asyncio.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Wait for nothing more, and read nothing more; idempotent."""
        self._incoming.unread.take()
        if not self._ended and self._failure is None:
            self._session.give_up(self)
            self.fail(partial(SandboxLost, "The channel was closed."))

    async def send(self, data: bytes) -> None:
        """Send a piece of the body, waiting for the agent to take it."""
        rest = memoryview(data)
        while rest:
            await self._until(lambda: self._outgoing.is_open)
            await self._session.room()
            if self._failure is not None:
                raise self._failure()
            piece = self._outgoing.take(rest)
            rest = rest[len(piece) :]
            self._session.send(encode(DATA, self.number, piece))

    def end(self) -> None:
        """The body is whole; all of it that is still here is sent at once."""
        self._session.send(encode(END, self.number, COUNT.pack(self._outgoing.sent)))
        self._session.flush()

    async def header(self) -> Json:
        """The header of the answer."""
        await self._until(lambda: self._header is not None)
        assert self._header is not None  # noqa: S101 - what was waited for
        return self._header

    async def body(self) -> AsyncIterator[bytes]:
        """The pieces of the answer's body, as they come."""
        while True:
            await self._until(lambda: bool(self._incoming.unread) or self._ended)
            if not self._incoming.unread:
                return
            piece = self._incoming.take()
            self._acknowledge()
            yield piece

    def handle(self, frame: Frame) -> None:
        """Take a frame from the agent, which is not trusted: ProtocolError when it isn't its turn to send that."""
        if frame.kind == DATA and self._header is not None:
            self._incoming.add(frame.payload)
        elif frame.kind == REPLY and self._header is None:
            self._header = decode_json(frame.payload)
        elif frame.kind == CREDIT:
            self._outgoing.add_credit(frame.payload)
        elif frame.kind == END and self._header is not None:
            self._incoming.check_end(frame.payload)
            self._ended = True
            self._session.forget(self)
        elif frame.kind == RESET:
            reason = decode_json(frame.payload)
            self._session.forget(self)
            self.fail(partial(RequestRefused, str(reason.get("code"))[:100], str(reason.get("message"))[:1000]))
        else:
            raise ProtocolError(f"a frame of kind {frame.kind} out of turn")
        self._changed.set()

    def fail(self, error: Failure) -> None:
        """Nothing more will come, and the answer hasn't ended."""
        self._failure = error
        self._changed.set()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            if self._failure is not None:
                raise self._failure()
            if self._ended:
                raise SandboxLost("The sandbox ended its answer too early.")
            self._changed.clear()
            await self._changed.wait()

    def _acknowledge(self) -> None:
        """Let the agent send more, when what was read is worth a frame."""
        if not self._ended and self._failure is None and (credit := self._incoming.credit()) is not None:
            self._session.send(encode(CREDIT, self.number, credit))
