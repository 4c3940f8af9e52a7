"""Agents that don't keep to the protocol, for the host's end to survive."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator

from runtime.link.frames import (
    AMOUNT,
    COUNT,
    CREDIT,
    DATA,
    END,
    HELLO,
    MAX_PAYLOAD,
    OPEN,
    REPLY,
    WINDOW,
    Decoder,
    Frame,
    decode_number,
    encode,
    encode_json,
)
from runtime.link.session import LinkSession, OnOpen
from runtime.sandbox import Sandbox

Answer = Callable[[Frame], Iterable[bytes]]
"""What an agent writes when it reads a frame; HELLO is answered as it should be."""


class HostileStream:
    """A ByteStream with an agent at its other end that answers in its own way."""

    def __init__(self, answer: Answer, *, takes_more: bool = True) -> None:
        self.closed = False
        self._answer = answer
        self._takes_more = takes_more
        self._decoder = Decoder()
        self._pieces: Iterator[bytes] = iter(())
        self._paused = False
        self._receive: Callable[[bytes], None]
        self._on_closed: Callable[[], None]

    def start(self, receive: Callable[[bytes], None], closed: Callable[[], None]) -> None:
        """See ByteStream."""
        self._receive, self._on_closed = receive, closed
        self.resume()

    def pause(self) -> None:
        """See ByteStream."""
        self._paused = True

    def resume(self) -> None:
        """See ByteStream."""
        self._paused = False
        asyncio.get_running_loop().call_soon(self._deliver)

    def write(self, data: bytes) -> None:
        """See ByteStream."""
        for frame in self._decoder.feed(data):
            answer = [encode(HELLO, frame.channel, frame.payload)] if frame.kind == HELLO else self._answer(frame)
            self._pieces = itertools.chain(self._pieces, answer)
        asyncio.get_running_loop().call_soon(self._deliver)

    async def drain(self) -> None:
        """See ByteStream."""
        if not self._takes_more:
            await asyncio.Event().wait()

    def close(self) -> None:
        """See ByteStream."""
        if not self.closed:
            self.closed = True
            self._on_closed()

    def _deliver(self) -> None:
        while not (self.closed or self._paused) and (piece := next(self._pieces, None)) is not None:
            self._receive(piece)


def silent(_: Frame) -> Iterable[bytes]:
    """Never answers."""
    return ()


async def sandbox_of(stream: HostileStream, on_open: OnOpen | None = None) -> Sandbox:
    """A sandbox whose agent is hostile."""
    return Sandbox(await LinkSession.establish(stream, 5, on_open))


def once(pieces: Callable[[int], Iterable[bytes]]) -> Answer:
    """Answers the first frame, an OPEN, with pieces that its channel's number goes into, and nothing else."""
    answers = iter([pieces])

    def answer(frame: Frame) -> Iterable[bytes]:
        return next(answers, lambda _: ())(frame.channel)

    return answer


def paced(header: dict[str, object], body: bytes) -> Answer:
    """Answers the first request with a header and a body, of which it sends what it has credit for."""
    rest = memoryview(body)

    def more(channel: int, credit: int) -> Iterable[bytes]:
        nonlocal rest
        while credit and rest:
            piece = bytes(rest[: min(credit, MAX_PAYLOAD)])
            credit -= len(piece)
            rest = rest[len(piece) :]
            yield encode(DATA, channel, piece)
            if not rest:
                yield encode(END, channel, COUNT.pack(len(body)))

    def answer(frame: Frame) -> Iterable[bytes]:
        if frame.kind == OPEN:
            yield encode_json(REPLY, frame.channel, header)
            if not body:
                yield encode(END, frame.channel, COUNT.pack(0))
            yield from more(frame.channel, WINDOW)
        elif frame.kind == CREDIT:
            yield from more(frame.channel, decode_number(AMOUNT, frame.payload))

    return answer


def whole(channel: int, header: dict[str, object], body: bytes = b"") -> list[bytes]:
    """A well-formed answer: header, body, end."""
    pieces = [body[start : start + MAX_PAYLOAD] for start in range(0, len(body), MAX_PAYLOAD)]
    return [
        encode_json(REPLY, channel, header),
        *(encode(DATA, channel, piece) for piece in pieces),
        encode(END, channel, COUNT.pack(len(body))),
    ]
