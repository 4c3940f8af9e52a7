"""The scrubber: whatever the values and the stream, cut anywhere, it comes out as if it had come at once."""

from __future__ import annotations

from collections.abc import Sequence

from runtime.egress.scrubber import Echo, Scrubber

SEEDS = [b"abab\0ba\0\0xababax", b"aab\0aa\0a\0\3aaab\2aaaab", b"abcd\0cdef\0ab\0-abcdef-ab-cdef-"]

VALUES = 3


def check(data: bytes) -> None:
    """The first parts are values, the rest is a stream; its bytes also say where it is cut."""
    *values, stream = data[:2000].split(b"\0", VALUES)
    values = [value.replace(b"\n", b"") for value in values]  # none has any
    echoes = [Echo(value, b"$%d" % number) for number, value in enumerate(dict.fromkeys(values))]
    pieces = []
    at = 0
    while at < len(stream):
        size = stream[at] % 8 + 1
        pieces.append(stream[at : at + size])
        at += size
    assert scrubbed(echoes, pieces) == plainly(echoes, stream)


def scrubbed(echoes: Sequence[Echo], pieces: Sequence[bytes]) -> bytes:
    """All that comes out of a stream of pieces."""
    scrubber = Scrubber(echoes)
    return b"".join([*map(scrubber.feed, pieces), scrubber.finish()])


def plainly(echoes: Sequence[Echo], data: bytes) -> bytes:
    """The same in so few words that they can be seen to be right: everything is there, and cost is no matter."""
    out = []
    while places := sorted(
        (data.find(echo.sought), -len(echo.sought), echo.placeholder)
        for echo in echoes
        if echo.sought and echo.sought in data
    ):
        start, size, placeholder = places[0]
        end = start - size
        for place, size, _ in places:
            end = max(end, place - size) if place < end else end
        out += [data[:start], placeholder]
        data = data[end:]
    return b"".join([*out, data])
