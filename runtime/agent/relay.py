"""A program's connection, and the channel that carries it to the host."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Callable

from runtime.agent.channel import Channel, Request
from runtime.agent.loop import Loop
from runtime.link.frames import PAD

AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: closing resets the connection


class Relay(Request):
    """Passes bytes both ways until both sides have ended, or one of them cuts the connection off.

    It owns the socket, and calls `over` once it has closed that.
    """

    def __init__(self, loop: Loop, channel: Channel, program: socket.socket, over: Callable[[], None]) -> None:
        self._loop = loop
        self._channel = channel
        self._program = program
        self._over = over
        self._rest = bytearray()  # what the program doesn't take yet
        self._doubtful = b""  # what may be half a frame, filled up: see runtime.link.frames
        self._listening = False
        self._more = True  # there may be something to be read
        self._writer: int | None = None  # another descriptor of the socket, while its room for more is waited for
        self._host_ended = False
        self._told_end = False
        self._program_ended = False
        channel.wake()

    @property
    def held(self) -> int:
        """What the program hasn't taken."""
        return len(self._rest) + len(self._doubtful)

    def receive(self, data: bytes) -> None:
        """Bytes for the program."""
        sure, self._doubtful = (self._doubtful, data) if data.endswith(b"%c" % PAD) else (self._doubtful + data, b"")
        if not self._rest:
            sure = sure[self._send(sure) :]
        self._rest += sure
        self._settle()

    def end(self) -> None:
        """The host will send no more."""
        self.receive(b"")
        self._host_ended = True
        self._settle()

    def produce(self, limit: int) -> bytes:
        """Bytes from the program."""
        if self._program_ended or not self._more:
            return b""
        try:
            data = self._program.recv(limit)
        except BlockingIOError:
            self._listen()
            return b""
        if len(data) < limit:
            self._listen()
        if not data:
            self._program_ended = True
            self._stop_listening()
            self._channel.end()
            self._settle()
        return data

    def abort(self) -> None:
        """Cut the program's connection off."""
        with contextlib.suppress(OSError):
            self._program.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        self._release()

    def _listen(self) -> None:
        """Wait for the program to send something."""
        self._more = False
        if not self._listening:
            self._loop.on_readable(self._program.fileno(), self._readable)
            self._listening = True

    def _readable(self) -> None:
        if self._more:  # what there was wasn't taken: there is no room for it
            self._stop_listening()
        self._more = True
        self._channel.wake()

    def _stop_listening(self) -> None:
        if self._listening:
            self._loop.forget(self._program.fileno())
            self._listening = False

    def _send(self, data: bytes | bytearray) -> int:
        """How many of these bytes the program's side took."""
        try:
            return self._program.send(data) if data else 0
        except BlockingIOError:
            return 0

    def _settle(self) -> None:
        """Wait for room where there is none, pass on the end where all is written, let go where both have ended."""
        if self._rest:
            if self._writer is None:
                self._writer = os.dup(self._program.fileno())
                self._loop.on_writable(self._writer, self._writable)
            return
        self._stop_writing()
        if self._host_ended and not self._told_end:
            self._told_end = True
            self._program.shutdown(socket.SHUT_WR)
        if self._told_end and self._program_ended:
            self._release()
            self._channel.close()

    def _writable(self) -> None:
        try:
            del self._rest[: self._send(self._rest)]
            self._settle()
        except OSError:  # the program is gone
            self.abort()
            self._channel.close()
        else:
            self._channel.acknowledge()

    def _stop_writing(self) -> None:
        if self._writer is not None:
            self._loop.forget(self._writer)
            os.close(self._writer)
            self._writer = None

    def _release(self) -> None:
        if self._program.fileno() >= 0:
            self._stop_listening()
            self._stop_writing()
            self._program.close()
            self._over()
