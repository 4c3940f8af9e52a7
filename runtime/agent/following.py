"""The requests on calls: begin one, and read its events, or its output as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain

from runtime.agent.calls import Call, Calls
from runtime.agent.channel import Channel, Request
from runtime.agent.loop import Loop
from runtime.link.frames import TYPE_CHECKING, json_bytes

if TYPE_CHECKING:
    from typing import Callable

    Lines = Callable[[Call], Iterator[bytes]]
    Answering = Callable[[Channel, Call], Request]

SOON = 1.0  # seconds; the host waits much longer for an answer to begin

NOTHING_YET = b""
"""Stands among lines where the next one is still to come."""


class Answer(Request):
    """Answers with lines of JSON on a call, made as they are asked for.

    The first describes it, `commands` being their number; these follow, each on a line. The rest is up to `lines`.
    """

    def __init__(self, channel: Channel, call: Call, lines: Lines) -> None:
        self._channel = channel
        self._call = call
        self._lines = chain(map(_line, call.commands), lines(call))
        self._rest = _line({**call.description, "commands": len(call.commands)})
        self._begun = False
        call.listeners.append(channel.wake)
        channel.wake()

    def produce(self, limit: int) -> bytes:
        """The next lines, or parts of them."""
        if not self._begun:
            self._begun = True
            self._channel.reply({})
        pieces = [self._rest]
        size = len(self._rest)
        while size < limit and not self.finished:
            line = next(self._lines, None)
            if line is None:
                self.finished = True
                self.abort()
            elif line == NOTHING_YET:
                break
            else:
                pieces.append(line)
                size += len(line)
        body = b"".join(pieces)
        self._rest = body[limit:]
        return body[:limit]

    def abort(self) -> None:
        """Listen no more."""
        if self._channel.wake in self._call.listeners:
            self._call.listeners.remove(self._channel.wake)


class AnswerInTheEnd(Answer):
    """An Answer with a call's output once it has ended. It begins no sooner, if that is soon: the host wakes once."""

    def __init__(self, channel: Channel, call: Call, loop: Loop) -> None:
        super().__init__(channel, call, whole_in_the_end)
        self._late = False
        self._timer = loop.call_later(SOON, self._wait_no_longer)

    def produce(self, limit: int) -> bytes:
        """See Answer."""
        return super().produce(limit) if self._call.over or self._late else b""

    def abort(self) -> None:
        """See Answer."""
        super().abort()
        self._timer.cancel()

    def _wait_no_longer(self) -> None:
        self._late = True
        self._channel.wake()


class Run(Request):
    """Begins a call, as soon as its spec, the body, is whole; from then on it is what `answering` makes."""

    def __init__(self, channel: Channel, calls: Calls, answering: Answering) -> None:
        self._channel = channel
        self._calls = calls
        self._answering = answering
        self._spec = bytearray()

    def receive(self, data: bytes) -> None:
        """A piece of the spec."""
        self._spec += data

    def end(self) -> None:
        """Start the commands and answer."""
        call = self._calls.start(json.loads(self._spec))
        self._channel.request = self._answering(self._channel, call)


def events(call: Call) -> Iterator[bytes]:
    """All events of a call, up to its end. A command's end is followed by its output, the call's by all of it."""
    log, number = call.log, 0
    while True:
        while number == len(log.events):
            yield NOTHING_YET
        event = log.events[number]
        number += 1
        log.read = max(log.read, number)
        yield _line(event)
        if event[0] == "exit":
            yield from _output(call, event[1])
        elif event[0] == "done":
            yield from _output(call)
            return


def whole(call: Call) -> Iterator[bytes]:
    """How a call stands, and its output up to now."""
    output = _output(call)  # of this moment, as is the next line
    yield _line(["state", call.log.status, call.log.outcomes])
    yield from output


def whole_in_the_end(call: Call) -> Iterator[bytes]:
    """The same once it has ended."""
    while not call.over:
        yield NOTHING_YET
    yield from whole(call)


def _output(call: Call, command: int | None = None) -> Iterator[bytes]:
    """What one command has written up to now, or all of them: lines `["text", command, stream, text]`, and an end."""
    texts = call.log.texts(command)

    def lines() -> Iterator[bytes]:
        for text in texts:
            yield _line(["text", *text])
        yield _line(["end"])

    return lines()


def _line(value: object) -> bytes:
    return json_bytes(value) + b"\n"
