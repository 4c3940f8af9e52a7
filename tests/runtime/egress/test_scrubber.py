from __future__ import annotations

import random
import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from runtime.egress.scrubber import Echo, Scrubber
from tests.fuzz.targets.scrubber import plainly, scrubbed

SECRET = b"sk-7f3kD92nXqLp0aWm"
ECHO = Echo(SECRET, b"$API_KEY")


def test_a_value_is_hidden_wherever_it_occurs() -> None:
    """At the beginning, at the end, twice in a row."""
    assert scrubbed([ECHO], [SECRET + b" and " + SECRET + SECRET]) == b"$API_KEY and $API_KEY$API_KEY"


@pytest.mark.parametrize("size", range(1, 3 * len(SECRET)))
def test_a_value_is_hidden_across_the_borders_of_pieces(size: int) -> None:
    """Pieces of every size, at every offset in the value."""
    data = b"".join(b"x" * gap + SECRET for gap in range(len(SECRET))) + SECRET[:-1]
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    assert scrubbed([ECHO], pieces) == data.replace(SECRET, b"$API_KEY")


@pytest.mark.parametrize("end", range(len(SECRET)))
def test_whole_lines_go_on_at_once(end: int) -> None:
    """An event isn't held back, whatever follows."""
    scrubber = Scrubber([ECHO])
    assert scrubber.feed(b"data: hello\n\n" + SECRET[:end]) == b"data: hello\n\n"
    assert scrubber.feed(b"\n") == SECRET[:end] + b"\n"


def sizes(echoes: Sequence[Echo], pieces: Sequence[bytes]) -> list[int]:
    """How much comes out with each piece, which whoever receives it can see."""
    scrubber = Scrubber(echoes)
    return [*(len(scrubber.feed(piece)) for piece in pieces), len(scrubber.finish())]


@pytest.mark.parametrize("line", [b"", b"line\n"])
@pytest.mark.parametrize("size", [1, 5, 64])
def test_a_good_guess_is_not_told_from_a_bad_one(size: int, line: bytes) -> None:
    """What comes out when says nothing of how a value begins, nor how it ends."""
    bad, *good = [b"x" * 18, SECRET[:1] + b"x" * 17, SECRET[:-1], SECRET[1:], b"a-longer-one-that-"]
    echoes = [ECHO, Echo(b"a-longer-one-that-nobody-guesses", b"$B")]

    def seen(guess: bytes) -> list[int]:
        stream = b"before" + line + guess * 20 + b"after"
        return sizes(echoes, [stream[start : start + size] for start in range(0, len(stream), size)])

    assert [seen(guess) for guess in good] == [seen(bad)] * len(good)


def test_values_that_overlap_are_hidden_together() -> None:
    """Nothing is left of the second that would be the whole of a third; of two at one place the longer one counts."""
    echoes = [Echo(b"abcd", b"$A"), Echo(b"cdef", b"$B"), Echo(b"ab", b"$C")]
    assert scrubbed(echoes, [b"-abcdef-ab-cdef-"]) == b"-$A-$C-$B-"


def test_placeholders_are_not_looked_into() -> None:
    """One that contains another value, or makes one with what is around it, is not replaced again."""
    assert scrubbed([Echo(b"one", b"$TWO"), Echo(b"TWO", b"$X"), Echo(b"$TWO-", b"$Y")], [b"one-"]) == b"$TWO-"


def test_an_empty_value_is_nowhere() -> None:
    """It would be everywhere."""
    assert scrubbed([Echo(b"", b"$EMPTY")], [b"abc"]) == b"abc"


@pytest.mark.parametrize("stream", [b"aaa", b"aab", b"aabaa", b"aaaaa"])
def test_what_a_stream_ends_with_comes_out(stream: bytes) -> None:
    """Though it is the beginning of a value, one that has just been found or another."""
    echoes = [Echo(b"aaba", b"$1"), Echo(b"aa", b"$2"), Echo(b"a", b"$3")]
    assert scrubbed(echoes, [stream]) == plainly(echoes, stream)


# Few letters, so that values repeat, overlap and are parts of each other.
texts = st.text("ab", max_size=8).map(str.encode)


@given(st.lists(texts, unique=True, max_size=4), st.lists(st.text("abc", max_size=6).map(str.encode), max_size=20))
def test_the_borders_of_pieces_change_nothing(values: list[bytes], pieces: list[bytes]) -> None:
    """Whatever the values are, and however the stream is cut, it comes out as if it had come at once."""
    echoes = [Echo(value, b"$%d" % number) for number, value in enumerate(values)]
    assert scrubbed(echoes, pieces) == plainly(echoes, b"".join(pieces))


@given(st.lists(texts, unique=True, max_size=4), st.lists(st.text("ab\n", max_size=6).map(str.encode), max_size=20))
def test_only_whole_values_make_a_difference(values: list[bytes], pieces: list[bytes]) -> None:
    """Without them, the same comes out with each piece as of a stream of other letters."""
    echoes = [Echo(value, b"$%d" % number) for number, value in enumerate(values)]
    assume(not any(value and value in b"".join(pieces) for value in values))
    others = [piece.translate(bytes.maketrans(b"ab", b"xx")) for piece in pieces]
    assert sizes(echoes, pieces) == sizes(echoes, others)


@given(st.lists(st.text("abc", min_size=1, max_size=6).map(str.encode), min_size=1, max_size=4), st.data())
def test_no_value_comes_through(values: list[bytes], data: st.DataObject) -> None:
    """Not even one that others overlap with: letters alone don't make it, whatever is put in their place."""
    pieces = data.draw(st.lists(st.sampled_from([*values, b"a", b"b", b"c"])))
    out = scrubbed([Echo(value, b"\0") for value in values], pieces)
    assert not any(value in out for value in values)


def steps_for(echoes: Sequence[Echo], pieces: Sequence[bytes]) -> int:
    """How many bytes are looked at one by one, which is what costs most."""
    scrubber = Scrubber(echoes)
    looked_at = 0
    for search in scrubber._searches:
        follow = search._follow

        def counted(byte: int, follow: object = follow) -> None:
            nonlocal looked_at
            looked_at += 1
            follow(byte)  # type: ignore[operator]

        search._follow = counted  # type: ignore[method-assign]
    for piece in pieces:
        scrubber.feed(piece)
    return looked_at


@pytest.mark.parametrize("size", [1, 7, 1000, 65536])
def test_a_server_that_knows_the_value_makes_it_no_slower(size: int) -> None:
    """Values that repeat themselves, in a stream that nearly does so: each byte is looked at a few times at most."""
    value = b"a" * 3000 + b"b" + b"a" * 3000
    stream = (b"a" * 5999 + b"b" + value[:-1] + b"c") * 10
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    assert steps_for([Echo(value, b"$A")], pieces) <= 2 * len(stream)


def test_a_server_that_knows_the_value_takes_little_memory() -> None:
    """What is found out about a long value, however far a stream follows it, is a few times as large as the value."""
    echo = Echo(b"s" * 32 * 1024, b"$1")
    stream = echo.sought[:-1] + b"x"
    tracemalloc.start()
    try:
        assert scrubbed([echo], [stream]) == stream
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert left < 10 * len(echo.sought)


def test_random_streams_of_parts_of_values() -> None:
    """Long values in pieces of all sizes, against the plain way."""
    chance = random.Random(4)  # noqa: S311 - the same in every run
    values = [bytes(chance.choices(b"xy", k=size)) for size in (20, 300, 5000)]
    echoes = [Echo(value, b"$%d" % number) for number, value in enumerate(values)]
    parts = []
    for _ in range(300):
        value = chance.choice(values)
        parts.append(value[chance.choice([0, 0, chance.randrange(len(value))]) : chance.randrange(1, 2 * len(value))])
    stream = b"".join(parts)
    pieces = []
    while stream:
        size = chance.choice([1, 10, 500, 8000])
        pieces.append(stream[:size])
        stream = stream[size:]
    assert scrubbed(echoes, pieces) == plainly(echoes, b"".join(parts))
