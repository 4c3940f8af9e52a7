"""The sandbox's name server: on loopback, over UDP and TCP."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable
from functools import partial

from runtime.agent.door import Door
from runtime.agent.loop import Loop

ADDRESS = ("127.0.0.1", 53)
BATCH = 32  # questions taken at a time
READ_SIZE = 4096  # more than a question over UDP has
MAX_STREAMS = 32
STREAM_SECONDS = 2.0  # in which all questions of one have to come
LENGTH = struct.Struct(">H")  # before each message over TCP

AnswerMessage = Callable[[bytes], "bytes | None"]


class NameServer:
    """Takes questions to whoever can answer them, and the answers back."""

    def __init__(self, loop: Loop, answer: AnswerMessage) -> None:
        self._loop = loop
        self._answer = answer
        self._streams: set[Stream] = set()
        self._started = False

    def start(self) -> bool:
        """Begin to listen, unless it does so already; whether that is possible."""
        if not self._started:
            datagrams = socket.socket(type=socket.SOCK_DGRAM)
            try:
                datagrams.setblocking(False)
                datagrams.bind(ADDRESS)
                Door(self._loop, ADDRESS, self._take, self._room)
            except OSError:  # a program of the sandbox has the port
                datagrams.close()
                return False
            self._loop.on_readable(datagrams.fileno(), partial(self._answer_datagrams, datagrams))
            self._started = True
        return True

    def _answer_datagrams(self, datagrams: socket.socket) -> None:
        with contextlib.suppress(OSError):  # no other has come, or an answer can't be sent
            for _ in range(BATCH):
                message, asker = datagrams.recvfrom(READ_SIZE)
                answer = self._answer(message)
                if answer is not None:
                    datagrams.sendto(answer, asker)

    def _room(self) -> bool:
        return len(self._streams) < MAX_STREAMS

    def _take(self, connection: socket.socket) -> None:
        self._streams.add(Stream(self._loop, connection, self._answer, self._streams.discard))


class Stream:
    """One connection with questions, each answered in turn. A program that doesn't read the answers loses it."""

    def __init__(
        self,
        loop: Loop,
        connection: socket.socket,
        answer: AnswerMessage,
        over: Callable[[Stream], None],
    ) -> None:
        self._loop = loop
        self._connection = connection
        self._answer = answer
        self._over = over
        self._received = b""
        self._timer = loop.call_later(STREAM_SECONDS, self._close)
        loop.on_readable(connection.fileno(), self._read)

    def _read(self) -> None:
        try:
            data = self._connection.recv(READ_SIZE)
            self._received += data
            answers = b"".join(LENGTH.pack(len(answer)) + answer for answer in self._answers())
            if not data or self._connection.send(answers) < len(answers):
                self._close()
        except OSError:
            self._close()

    def _answers(self) -> list[bytes]:
        """The answers to all questions that are whole."""
        answers = []
        while len(self._received) >= LENGTH.size:
            end = LENGTH.size + LENGTH.unpack_from(self._received)[0]
            if len(self._received) < end:
                break
            answer = self._answer(self._received[LENGTH.size : end])
            self._received = self._received[end:]
            if answer is not None:
                answers.append(answer)
        return answers

    def _close(self) -> None:
        self._timer.cancel()
        self._loop.forget(self._connection.fileno())
        self._connection.close()
        self._over(self)
