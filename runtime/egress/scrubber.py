"""Values of secrets in what comes back: found in a stream and hidden, wherever its pieces are cut.

The cost is linear in the stream, whatever values there are and whatever a server sends, and no more is held back than
may still turn out to be part of a value.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

MISSING = -1


class Echo:
    """A text that must not come back, and what stands in its place. Shared by all streams: it knows none of them."""

    def __init__(self, sought: bytes, placeholder: bytes) -> None:
        self.sought = sought
        self.placeholder = placeholder
        self._shorter = [0, 0]

    def is_far_from(self, data: bytes) -> bool:
        """Whether it is neither in there, nor begins there with its first byte where the rest of it might follow."""
        border = max(0, len(data) + 1 - len(self.sought))
        return data.find(self.sought[:1], border) == MISSING and self.sought not in data

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
        place = held.find(self.echo.sought, start)
        self.begun = 0
        if place == MISSING:
            start = held.find(self.echo.sought[:1], max(start, len(held) - self.size + 1))
            for byte in held[start:] if start != MISSING else b"":
                self._follow(byte)
        return place

    def go_on(self, held: bytearray, border: int) -> int:
        """The first place, or MISSING, where it was missing before the bytes from `border` on were added."""
        for place in range(border, len(held)):
            if self.begun <= place - border:  # no old byte is part of it: a faster search will do
                return self.first(held, place - self.begun)
            self._follow(held[place])
            if self.begun == self.size:
                self.begun = 0
                return place + 1 - self.size
        return MISSING

    def _follow(self, byte: int) -> None:
        """One more byte of the stream."""
        sought, begun = self.echo.sought, self.begun
        while begun and byte != sought[begun]:
            begun = self.echo.shorter(begun)
        self.begun = begun + (byte == sought[begun])


class Scrubber:
    """Hides texts in one stream. What the first, longest one that occurs overlaps with is hidden together with it."""

    def __init__(self, echoes: Sequence[Echo]) -> None:
        self._echoes = echoes
        self._searches: list[_Search] = []
        self._missing = set[int]()
        self._found: list[tuple[int, int, int]] = []  # a heap: first place, size downwards, which search
        self._held = bytearray()
        self._ended = False

    def feed(self, data: bytes) -> bytes:
        """The stream goes on: what is certain by now."""
        if not self._held and self._is_far_from(data):
            return data
        if not self._searches:
            self._searches = [_Search(echo) for echo in self._echoes if echo.sought]
            self._missing.update(range(len(self._searches)))
        border = len(self._held)
        self._held += data
        for index in list(self._missing):
            self._note(index, self._searches[index].go_on(self._held, border))
        return self._certain()

    def finish(self) -> bytes:
        """The stream has ended: the rest."""
        self._ended = True
        return self._certain() if self._held else b""

    def _is_far_from(self, data: bytes) -> bool:
        for echo in self._echoes:  # noqa: SIM110 - all() takes twice as long, and this is asked of each piece
            if not echo.is_far_from(data):
                return False
        return True

    def _note(self, index: int, place: int) -> None:
        """Write down where a search has led to."""
        if place == MISSING:
            self._missing.add(index)
        else:
            self._missing.discard(index)
            heapq.heappush(self._found, (place, -self._searches[index].size, index))

    def _begun(self, index: int) -> int:
        """How many bytes at the end of what is held may turn out to be the beginning of a text that is missing."""
        return 0 if self._ended else self._searches[index].begun

    def _certain(self) -> bytes:
        """Let go of all bytes that can't be part of a text which isn't whole yet, with whole ones hidden."""
        held, pieces, done = self._held, bytearray(), 0
        certain = len(held) - max(map(self._begun, self._missing), default=0)
        while self._found:
            start, _, first = self._found[0]
            end, overlapping = self._overlapping()
            if end > certain:  # a text that has begun in there may make it longer
                certain = min(certain, start)
                for index, place in overlapping.items():
                    self._note(index, place)
                break
            pieces += held[done:start] + self._searches[first].echo.placeholder
            done = end
            for index in overlapping:
                self._note(index, self._searches[index].first(held, end))
                certain = min(certain, len(held) - self._begun(index))
        pieces += held[done:certain]
        del held[:certain]
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
