"""A connection that a program in the sandbox has made, from the host's side: a channel that the agent opened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from runtime.errors import SandboxLost
from runtime.link.channel import Failure
from runtime.link.frames import (
    AMOUNT,
    CONNECTION_WINDOW,
    COUNT,
    CREDIT,
    DATA,
    END,
    MAX_PAYLOAD,
    PAD,
    RESET,
    Frame,
    ProtocolError,
    decode_json,
    decode_number,
    encode,
)
from runtime.link.unread import Unread

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
        self._credit = CONNECTION_WINDOW
        self._sent = 0
        self._ended = False
        self._window = CONNECTION_WINDOW  # how much the agent may still send
        self._received = 0
        self._unacknowledged = 0
        self._unread = Unread()
        self._program_ended = False
        self._failure: Failure | None = None
        self._on_lost: list[Callable[[], None]] = []
        self._readable = asyncio.Event()
        self._writable = asyncio.Event()

    async def receive(self) -> bytes:
        """The next bytes that the program sent, all that wait; none when it will send no more."""
        while self._failure is None and not self._unread and not self._program_ended:
            self._readable.clear()
            await self._readable.wait()
        if self._failure is not None:
            raise self._failure()
        data = self._unread.take()
        self._acknowledge(len(data))
        return data

    async def send(self, data: bytes) -> None:
        """Send bytes to the program, waiting until it has room for them."""
        rest = memoryview(data)
        while rest:
            while self._failure is None and self._credit == 0:
                self._writable.clear()
                await self._writable.wait()
            await self._session.room()
            if self._failure is not None:
                raise self._failure()
            piece = rest[: min(MAX_PAYLOAD, self._credit)]
            rest = rest[len(piece) :]
            self._credit -= len(piece)
            self._sent += len(piece)
            self._session.send(encode(DATA, self.number, piece))
            if not rest and piece[-1] == PAD:
                self._session.send(encode(DATA, self.number))  # says that these bytes are no padding: see frames

    def end(self) -> None:
        """No more will be sent: the program reads the end. Idempotent."""
        if self._failure is None and not self._ended:
            self._ended = True
            self._session.send(encode(END, self.number, COUNT.pack(self._sent)))
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
            self._window -= len(frame.payload)
            if self._window < 0 or not frame.payload:
                raise ProtocolError("data that there was no credit for")
            self._received += len(frame.payload)
            self._unread.add(frame.payload)
            self._readable.set()
        elif frame.kind == END and not self._program_ended:
            if decode_number(COUNT, frame.payload) != self._received:
                raise ProtocolError("an END with another count than was received")
            self._program_ended = True
            self._readable.set()
            self._finish_if_over()
        elif frame.kind == CREDIT:
            amount = decode_number(AMOUNT, frame.payload)
            if amount == 0 or self._credit + amount > CONNECTION_WINDOW:
                raise ProtocolError("credit for more than was sent")
            self._credit += amount
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
            self._unread.take()
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

    def _acknowledge(self, size: int) -> None:
        """Let the agent send more, when what was read is worth a frame."""
        self._unacknowledged += size
        if self._unacknowledged >= CONNECTION_WINDOW // 2 and not self._program_ended:
            self._session.send(encode(CREDIT, self.number, AMOUNT.pack(self._unacknowledged)))
            self._window += self._unacknowledged
            self._unacknowledged = 0
