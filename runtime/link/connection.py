"""A connection that a program in the sandbox has made, from the host's side: a channel that the agent opened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from runtime.errors import SandboxLost
from runtime.link.channel import Failure
from runtime.link.flow import Incoming, Outgoing
from runtime.link.frames import (
    CONNECTION_WINDOW,
    COUNT,
    CREDIT,
    DATA,
    END,
    PAD,
    RESET,
    Frame,
    ProtocolError,
    decode_json,
    encode,
)

if TYPE_CHECKING:
    from runtime.link.session import LinkSession


class LinkConnection:
    """Both directions of a TCP connection, each with an end of its own. Used by one reader and one writer.

    Reading and writing raise SandboxLost once the link has ended, the program has cut the connection off, or it was
    closed here; what was not read by then is dropped.
    """

    def __init__(self, session: LinkSession, number: int) -> None:
        self.number = number
        self._session = session
        self._outgoing = Outgoing(CONNECTION_WINDOW)
        self._ended = False
        self._incoming = Incoming(CONNECTION_WINDOW, CONNECTION_WINDOW // 2)
        self._program_ended = False
        self._failure: Failure | None = None
        self._on_lost: list[Callable[[], None]] = []
        self._readable = asyncio.Event()
        self._writable = asyncio.Event()

    async def receive(self) -> bytes:
        """The next bytes that the program sent, all that wait; none when it will send no more."""
        while self._failure is None and not self._incoming.unread and not self._program_ended:
            self._readable.clear()
            await self._readable.wait()
        if self._failure is not None:
            raise self._failure()
        data = self._incoming.take()
        self._acknowledge()
        return data

    async def send(self, data: bytes) -> None:
        """Send bytes to the program, waiting until it has room for them."""
        rest = memoryview(data)
        while rest:
            while self._failure is None and not self._outgoing.is_open:
                self._writable.clear()
                await self._writable.wait()
            await self._session.room()
            if self._failure is not None:
                raise self._failure()
            piece = self._outgoing.take(rest)
            rest = rest[len(piece) :]
            self._session.send(encode(DATA, self.number, piece))
            if not rest and piece[-1] == PAD:
                self._session.send(encode(DATA, self.number))  # says that these bytes are no padding: see frames

    def end(self) -> None:
        """No more will be sent: the program reads the end. Idempotent."""
        if self._failure is None and not self._ended:
            self._ended = True
            self._session.send(encode(END, self.number, COUNT.pack(self._outgoing.sent)))
            self._finish_if_over()

    def close(self) -> None:
        """Let go of it; idempotent. Unless both sides had ended, the program sees its connection reset."""
        self._on_lost.clear()
        if self._failure is None:
            self._session.give_up(self)
            self.fail(partial(SandboxLost, "The connection was closed."))

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call back once, soon after the connection is lost: by the link's end, or because the program cut it off."""
        self._on_lost.append(callback)
        if self._failure is not None:
            self._tell()

    def handle(self, frame: Frame) -> None:
        """Take a frame from the agent, which is not trusted: ProtocolError when it isn't its turn to send that."""
        if frame.kind == DATA and not self._program_ended:
            self._incoming.add(frame.payload)
            self._readable.set()
        elif frame.kind == END and not self._program_ended:
            self._incoming.check_end(frame.payload)
            self._program_ended = True
            self._readable.set()
            self._finish_if_over()
        elif frame.kind == CREDIT:
            self._outgoing.add_credit(frame.payload)
            self._writable.set()
        elif frame.kind == RESET:
            decode_json(frame.payload)
            self._session.forget(self)
            self.fail(partial(SandboxLost, "The program has cut its connection off."))
        else:
            raise ProtocolError(f"a frame of kind {frame.kind} out of turn")

    def fail(self, error: Failure) -> None:
        """Nothing more will come or go."""
        if self._failure is None:
            self._failure = error
            self._incoming.unread.take()
            self._readable.set()
            self._writable.set()
            self._tell()

    def _tell(self) -> None:
        """Call those back who want to know of the loss: not at once, since frames are being handled."""
        for callback in self._on_lost:
            asyncio.get_running_loop().call_soon(callback)
        self._on_lost.clear()

    def _finish_if_over(self) -> None:
        """Both sides have ended: what was received can still be read, and the agent confirms when all is written."""
        if self._ended and self._program_ended:
            self._session.finish(self)

    def _acknowledge(self) -> None:
        """Let the agent send more, when what was read is worth a frame."""
        if not self._program_ended and (credit := self._incoming.credit()) is not None:
            self._session.send(encode(CREDIT, self.number, credit))
