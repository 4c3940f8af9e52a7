"""What the commands of a call write, as a list of events that is bounded, and is the same whenever it is read."""

from __future__ import annotations

import codecs
from collections import deque
from collections.abc import Iterator
from itertools import groupby

from runtime.link.frames import TYPE_CHECKING, Json

if TYPE_CHECKING:
    from typing import Any

STREAMS = ("stdout", "stderr")
PIECE = 16 * 1024  # characters in one event at most

# Of a call, and shared out evenly among its commands:
MAX_CHARACTERS = 16 * 1024 * 1024
MAX_LIVE_EVENTS = 20_000  # what comes after goes the tail's way
MAX_TAIL_PIECES = 10_000  # beyond that they are put together, and how both outputs alternated is forgotten

Event = list["Any"]
"""`["out", command, stream, text]`, `["exit", command, outcome]`, and `["done", status]` as the last."""


class OutputLog:
    """The events of one call.

    Of each command so many characters are kept: `limit`, or its share of MAX_CHARACTERS where that is less. The first
    half of these becomes events at once. The rest waits, and only its end is kept; when the command exits it follows,
    after `... N chars truncated ...` where something was left out. So all texts of a stream, joined, are what that
    stream's output is, however long the command and its output were.
    """

    def __init__(self, commands: int, limit: int) -> None:
        self.events: list[Event] = []
        self.status = "in_progress"
        self.outcomes: list[Json | None] = [None] * commands
        self.size = 0  # characters in the events
        self.read = 0  # so many events have been read; they no longer change
        self._share = max(1, commands)
        kept = min(limit, MAX_CHARACTERS // self._share)
        self._commands = [_Command(kept, MAX_TAIL_PIECES // self._share) for _ in range(commands)]

    def write(self, command: int, stream: int, data: bytes) -> None:
        """Take what a command wrote to stream 0 (stdout) or 1 (stderr)."""
        self._put(command, stream, self._commands[command].decoders[stream].decode(data))

    def exit(self, command: int, outcome: Json) -> None:
        """A command has ended: its tail, then its outcome."""
        state = self._commands[command]
        for stream in (0, 1):
            self._put(command, stream, state.decoders[stream].decode(b"", final=True))
        for stream in (0, 1):
            if state.dropped[stream]:
                self._add(command, stream, f"\n... {state.dropped[stream]} chars truncated ...\n")
        for stream, text in state.tail:
            self._add(command, stream, text)
        state.tail.clear()
        self.outcomes[command] = outcome
        self.events.append(["exit", command, outcome])

    def done(self, status: str) -> None:
        """All commands have ended."""
        self.status = status
        self.events.append(["done", status])
        self._commands.clear()

    def texts(self, command: int | None = None) -> Iterator[tuple[int, str, str]]:
        """What one command has written up to now, or all of them: command, stream and text, in few pieces.

        They come in the commands' order, of each stdout first.
        """
        self.read = len(self.events)
        written = [event for event in self.events if event[0] == "out" and command in (None, event[1])]
        written.sort(key=lambda event: (event[1], event[2] == STREAMS[1]))
        return _joined(written)

    def _put(self, command: int, stream: int, text: str) -> None:
        """Add output to the events while it belongs to the head, else to the tail."""
        state = self._commands[command]
        room = state.room if state.live_events < MAX_LIVE_EVENTS // self._share else 0
        head, rest = text[:room], text[room:]
        if head:
            state.room -= len(head)
            state.live_events += self._add(command, stream, head)
        if rest:
            state.tail_room += state.room  # some is left where the head ended for its number of events
            state.room = 0
            state.keep_tail(stream, rest)

    def _add(self, command: int, stream: int, text: str) -> int:
        """Append output, to the last event where that one is alike and unread; how many events it made."""
        self.size += len(text)
        made = 0
        while text:
            last = self.events[-1] if len(self.events) > self.read else None
            if last is None or last[:3] != ["out", command, STREAMS[stream]] or len(last[3]) >= PIECE:
                last = ["out", command, STREAMS[stream], ""]
                self.events.append(last)
                made += 1
            room = PIECE - len(last[3])
            last[3] += text[:room]
            text = text[room:]
        return made


def _joined(written: list[Event]) -> Iterator[tuple[int, str, str]]:
    """The same texts in pieces of about the size of PIECE, where neighbours are of one stream."""
    for (command, stream), events in groupby(written, key=lambda event: (event[1], event[2])):
        text = ""
        for event in events:
            if text and len(text) + len(event[3]) > PIECE:
                yield command, stream, text
                text = ""
            text += event[3]
        yield command, stream, text


class _Command:
    """One command's output: how much of its head is still wanted, and its tail."""

    def __init__(self, limit: int, tail_pieces: int) -> None:
        self.room = limit - limit // 2
        self.live_events = 0
        self.decoders = [codecs.getincrementaldecoder("utf-8")("replace") for _ in STREAMS]
        self.tail: deque[tuple[int, str]] = deque()
        self.dropped = [0, 0]
        self.tail_room = limit // 2
        self._tail_size = 0
        self._tail_pieces = tail_pieces

    def keep_tail(self, stream: int, text: str) -> None:
        """Add to the tail, and drop from its front what is over the limit."""
        self._tail_size += len(text)
        if self.tail and self.tail[-1][0] == stream and len(self.tail[-1][1]) < PIECE:
            text = self.tail.pop()[1] + text
        self.tail.append((stream, text))
        if len(self.tail) > self._tail_pieces + self._tail_size // PIECE:
            self._put_together()
        while self._tail_size > self.tail_room:
            stream, text = self.tail.popleft()
            excess = min(self._tail_size - self.tail_room, len(text))
            self._tail_size -= excess
            self.dropped[stream] += excess
            if excess < len(text):
                self.tail.appendleft((stream, text[excess:]))

    def _put_together(self) -> None:
        """Make as few pieces of the tail as can be."""
        pieces = list(self.tail)
        self.tail.clear()
        for stream in (0, 1):
            text = "".join(text for of, text in pieces if of == stream)
            self.tail.extend((stream, text[start : start + PIECE]) for start in range(0, len(text), PIECE))
