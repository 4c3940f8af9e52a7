"""DNS messages: answers that resolvers understand, to whatever is asked."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.agent.dns import BadQuestion, read_question, reply

ASKED = b"\x03API\x04test\x00\x00\x01\x00\x01"
HEADER = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
EDNS = b"\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00"


def test_a_question() -> None:
    """The name is read in lower case, and the question kept as it was asked."""
    question = read_question(HEADER + ASKED)
    assert (question.name, question.wants_address, question.asked) == ("api.test", True, ASKED)


def test_what_comes_after_the_question() -> None:
    """EDNS is passed over, and not answered."""
    message = HEADER[:10] + b"\x00\x01" + ASKED + EDNS
    assert reply(read_question(message), 0)[12:] == ASKED


@pytest.mark.parametrize("tail", [b"\x00\x1c\x00\x01", b"\x00\x41\x00\x01", b"\x00\xff\x00\x01", b"\x00\x01\x00\x03"])
def test_other_questions(tail: bytes) -> None:
    """Only A in the Internet's class is a question for an address."""
    assert not read_question(HEADER + ASKED[:-4] + tail).wants_address


def test_an_answer() -> None:
    """The question again, as asked, and one record that refers to its name."""
    expected = b"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + ASKED
    expected += b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x7f\x35\x00\x01"
    assert reply(read_question(HEADER + ASKED), 0, "127.53.0.1") == expected


def test_no_answer() -> None:
    """A code, the question, no record; recursion is desired only where it was."""
    message = HEADER[:2] + b"\x00\x00" + HEADER[4:] + ASKED
    assert reply(read_question(message), 3) == b"\x12\x34\x80\x83\x00\x01\x00\x00\x00\x00\x00\x00" + ASKED


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"", None),
        (HEADER[:11], None),
        (HEADER[:2] + b"\x81\x80" + HEADER[4:] + ASKED, None),  # an answer
        (HEADER[:2] + b"\x28\x00" + HEADER[4:] + ASKED, 4),  # an update
        (HEADER, 1),
        (HEADER[:4] + b"\x00\x00" + HEADER[6:] + ASKED, 1),
        (HEADER[:4] + b"\x00\x02" + HEADER[6:] + ASKED + ASKED, 1),
        (HEADER + ASKED[:-1], 1),
        (HEADER + ASKED[:5], 1),
        (HEADER + b"\xc0\x0c\x00\x01\x00\x01", 1),  # a name that refers to itself
        (HEADER + b"\x40" + b"a" * 64 + b"\x00\x00\x01\x00\x01", 1),
        (HEADER + (b"\x3f" + b"a" * 63) * 4 + b"\x00\x00\x01\x00\x01", 1),
    ],
)
def test_what_is_no_question(message: bytes, code: int | None) -> None:
    """What can't be read is answered with a code, or not at all where it isn't from somebody who asks."""
    with pytest.raises(BadQuestion) as raised:
        read_question(message)
    answer = raised.value.answer
    assert (answer and answer[3] & 15) == code
    assert answer is None or answer[:2] == message[:2]


def test_the_longest_name() -> None:
    """A name of 255 bytes on the wire, and none above."""
    name = (b"\x3f" + b"a" * 63) * 3 + b"\x3d" + b"a" * 61 + b"\x00"
    assert len(name) == 255
    assert len(read_question(HEADER + name + b"\x00\x01\x00\x01").name) == 253
    with pytest.raises(BadQuestion):
        read_question(HEADER + b"\x01a" + name + b"\x00\x01\x00\x01")


@given(st.one_of(st.binary(max_size=600), st.binary(max_size=300).map(lambda rest: HEADER + rest)))
def test_any_bytes(message: bytes) -> None:
    """Whatever comes is a question or isn't; an answer to it has its id and says that it is one."""
    try:
        answer: bytes | None = reply(read_question(message), 0, "127.53.0.1")
    except BadQuestion as bad:
        answer = bad.answer
    if answer is not None:
        number, flags = struct.unpack_from(">HH", answer)
        assert number == struct.unpack_from(">H", message)[0]
        assert flags & 0x8000
