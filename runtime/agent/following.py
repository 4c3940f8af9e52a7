"""The requests on calls: begin one, and read its events."""

from __future__ import annotations

import json

from runtime.agent.calls import Call, Calls
from runtime.agent.channel import Channel, Request


class Follow(Request):
    """Answers with all events of a call, as lines of JSON, up to its end. The first line describes the call."""

    def __init__(self, channel: Channel, call: Call) -> None:
        self._channel = channel
        self._call = call
        self._next = 0
        self._rest = _line(call.description)
        call.listeners.append(channel.wake)
        channel.reply({})
        channel.wake()

    def produce(self, limit: int) -> bytes:
        """The next events."""
        log = self._call.log
        pieces = [self._rest]
        size = len(self._rest)
        while size < limit and self._next < len(log.events):
            line = _line(log.events[self._next])
            self._next += 1
            pieces.append(line)
            size += len(line)
        log.read = max(log.read, self._next)
        body = b"".join(pieces)
        self._rest = body[limit:]
        self.finished = self._enough() and not self._rest
        if self.finished:
            self.abort()
        return body[:limit]

    def abort(self) -> None:
        """Listen no more."""
        if self._channel.wake in self._call.listeners:
            self._call.listeners.remove(self._channel.wake)

    def _enough(self) -> bool:
        return self._call.over and self._next >= len(self._call.log.events)


class Snapshot(Follow):
    """Answers with the events there are now."""

    def _enough(self) -> bool:
        return self._next >= len(self._call.log.events)


class Run(Request):
    """Begins a call, as soon as its spec, the body, is whole; from then on it is a Follow."""

    def __init__(self, channel: Channel, calls: Calls) -> None:
        self._channel = channel
        self._calls = calls
        self._spec = bytearray()

    def receive(self, data: bytes) -> None:
        """A piece of the spec."""
        self._spec += data

    def end(self) -> None:
        """Start the commands and follow them."""
        call = self._calls.start(json.loads(self._spec))
        self._channel.request = Follow(self._channel, call)


def _line(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n"
