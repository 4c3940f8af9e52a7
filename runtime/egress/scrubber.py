"""Values of secrets in what comes back: found in a stream and hidden, wherever its pieces are cut.

What is let go of, and when, depends on lengths and on whole values alone. Otherwise a program could guess a value byte
by byte, by having a server send its guesses: those that begin as the value does would come later than others.

The cost is linear in the stream, whatever values there are and whatever a server sends.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Sequence

MISSING = -1

BEGINNING = 256
"""Bytes of a text that Python's own search is given: of thousands, some would take it a hundred times longer."""


class Echo:
    """A text that must not come back, and what stands in its place. Shared by all streams: it knows none of them.

    There is no line feed in the text: no header could have it.
    """

    def __init__(self, sought: bytes, placeholder: bytes) -> None:
        self.sought = sought
        self.placeholder = placeholder
        self.beginning = sought[:BEGINNING]
        self._shorter = array("I", [0, 0])  # a list takes ten times the memory

    def shorter(self, begun: int) -> int:
        """The longest shorter beginning of the text that its first `begun` bytes end with (Knuth, Morris, Pratt).

        It is found out only as far as it is asked for: as far as a stream has really followed the text.
        """
        known = self._shorter
        while len(known) <= begun:
            byte, length = self.sought[len(known) - 1], known[-1]
            while length and byte != self.sought[length]:
                length = known[length]
            known.append(length + (byte == self.sought[length]))
        return known[begun]


class _Search:
    """The search for one text in the bytes that a scrubber holds, which are the end of the stream so far.

    As long as it is missing, `begun` is how many of its first bytes they end with.
    """

    def __init__(self, echo: Echo) -> None:
        self.echo = echo
        self.size = len(echo.sought)
        self.begun = 0

    def first(self, held: bytearray, start: int) -> int:
        """The first place at or after `start`, or MISSING."""
        self.begun = 0
        return self.go_on(held, start)

    def go_on(self, held: bytearray, border: int) -> int:
        """The first place, or MISSING, where it was missing before the bytes from `border` on were added."""
        place = border
        while place < len(held):
            if not self.begun:
                place = self._beginning(held, place)
                if place == MISSING or held.startswith(self.echo.sought, place):
                    return place
            self._follow(held[place])
            place += 1
            if self.begun == self.size:
                return place - self.size
        return MISSING

    def _beginning(self, held: bytearray, start: int) -> int:
        """The first place from `start` on where the text may begin, as far as is known by now; or MISSING."""
        beginning = self.echo.beginning
        place = held.find(beginning, start)
        return place if place != MISSING else held.find(beginning[:1], max(start, len(held) - len(beginning) + 1))

    def _follow(self, byte: int) -> None:
        """One more byte of the stream."""
        sought, begun = self.echo.sought, self.begun
        while begun and byte != sought[begun]:
            begun = self.echo.shorter(begun)
        self.begun = begun + (byte == sought[begun])


class Scrubber:
    """Hides texts in one stream. What the first, longest one that occurs overlaps with is hidden together with it.

    Whole lines are let go of at once, as no text goes over the end of a line. Of the last one, as much is held back as
    the longest text has bytes, but for one.
    """

    def __init__(self, echoes: Sequence[Echo]) -> None:
        self._echoes = [echo for echo in echoes if echo.sought]
        self._reach = max((len(echo.sought) for echo in self._echoes), default=1) - 1
        self._searches = [_Search(echo) for echo in self._echoes]
        self._missing = set(range(len(self._searches)))
        self._found: list[tuple[int, int, int]] = []  # a heap: first place, size downwards, which search
        self._held = bytearray()
        self._searched = 0  # so many bytes of what is held
        self._ended = False

    def feed(self, data: bytes) -> bytes:
        """The stream goes on: what is certain by now."""
        is_first_look = not self._searched and len(data) >= len(self._held)  # else old bytes would be looked at often
        self._held += data
        if is_first_look and self._is_far():
            border = self._border()
            out = bytes(self._held[:border])
            del self._held[:border]
            return out
        for index in list(self._missing):
            self._note(index, self._searches[index].go_on(self._held, self._searched))
        return self._certain()

    def finish(self) -> bytes:
        """The stream has ended: the rest."""
        self._ended = True
        return self._certain() if self._held else b""

    def _is_far(self) -> bool:
        """Whether no text begins in what is held, as far as can be seen."""
        for echo in self._echoes:  # noqa: SIM110 - all() takes twice as long, and this is asked of each piece
            if echo.beginning in self._held:
                return False
        return True

    def _border(self) -> int:
        """Up to where texts that begin in what is held are whole."""
        size = len(self._held)
        return size if self._ended else max(self._held.rfind(b"\n") + 1, size - self._reach, 0)

    def _note(self, index: int, place: int) -> None:
        """Write down where a search has led to."""
        if place == MISSING:
            self._missing.add(index)
        else:
            self._missing.discard(index)
            heapq.heappush(self._found, (place, -self._searches[index].size, index))

    def _certain(self) -> bytes:
        """Let go of all bytes that can't be part of a text which isn't whole yet, with whole ones hidden."""
        held, pieces, done, certain = self._held, bytearray(), 0, self._border()
        while self._found and (start := self._found[0][0]) < certain:
            first = self._found[0][2]
            end, overlapping = self._overlapping()
            if end > certain:  # a text that begins before its end, but isn't whole yet, may make it longer
                certain = start
                for index, place in overlapping.items():
                    self._note(index, place)
                break
            pieces += held[done:start] + self._searches[first].echo.placeholder
            done = end
            for index in overlapping:
                self._note(index, self._searches[index].first(held, end))
        pieces += held[done:certain]
        del held[:certain]
        self._searched = len(held)
        self._found = [(place - certain, size, index) for place, size, index in self._found]
        return bytes(pieces)

    def _overlapping(self) -> tuple[int, dict[int, int]]:
        """Take the first text off the heap and all that overlap with it: where they end, and each one's place."""
        end, places = 0, dict[int, int]()
        while self._found and (not places or self._found[0][0] < end):
            place, size, index = heapq.heappop(self._found)
            end = max(end, place - size)
            places[index] = place
        return end, places
