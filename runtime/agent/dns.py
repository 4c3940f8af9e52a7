"""DNS messages: a question read, an answer made. Only bytes in, bytes out."""

from __future__ import annotations

import socket
import struct

HEADER = struct.Struct(">HHHHHH")  # id, flags; counts of questions, answers, authorities, additional records
TAIL = struct.Struct(">HH")  # of a question: type, class
RECORD = struct.Struct(">HHHIH")  # name (a reference to the question's), type, class, seconds to live, length

RESPONSE = 0x8000
OPCODE = 0x7800
RECURSION_DESIRED = 0x0100
RECURSION_AVAILABLE = 0x0080

NO_ERROR = 0
FORMAT_ERROR = 1
SERVER_FAILURE = 2
NAME_ERROR = 3  # NXDOMAIN
NOT_IMPLEMENTED = 4

A = 1
INTERNET = 1

QUESTION_NAME = 0xC000 | HEADER.size
MAX_LABEL = 63
MAX_NAME = 255  # bytes on the wire
SECONDS_TO_LIVE = 60


class Question:
    """What a program asks for. `name` is in lower case; `asked` is the question's bytes, to be repeated."""

    def __init__(self, number: int, flags: int, name: str, *, wants_address: bool, asked: bytes) -> None:
        self.number = number
        self.flags = flags
        self.name = name
        self.wants_address = wants_address
        self.asked = asked


class BadQuestion(Exception):
    """No question that can be answered. `answer` is what to say to it, None where that is nothing."""

    def __init__(self, answer: bytes | None) -> None:
        super().__init__("not a question")
        self.answer = answer


def read_question(message: bytes) -> Question:
    """The one question of a message; BadQuestion for all that isn't one. What comes after it (EDNS) is passed over."""
    if len(message) < HEADER.size:
        raise BadQuestion(None)
    number, flags, questions, *_ = HEADER.unpack_from(message)
    if flags & RESPONSE:
        raise BadQuestion(None)
    if flags & OPCODE:
        raise BadQuestion(_message(number, flags, NOT_IMPLEMENTED))
    try:
        if questions != 1:
            raise ValueError("not one question")
        labels, end = _read_labels(message, HEADER.size)
        kind, network = TAIL.unpack_from(message, end)
    except (ValueError, IndexError, struct.error):
        raise BadQuestion(_message(number, flags, FORMAT_ERROR)) from None
    name = b".".join(labels).decode("latin-1").lower()
    asked = message[HEADER.size : end + TAIL.size]
    return Question(number, flags, name, wants_address=(kind, network) == (A, INTERNET), asked=asked)


def reply(question: Question, code: int, address: str | None = None) -> bytes:
    """The answer to a question: a code, and the IPv4 address if there is one."""
    record = b""
    if address is not None:
        record = RECORD.pack(QUESTION_NAME, A, INTERNET, SECONDS_TO_LIVE, 4) + socket.inet_aton(address)
    return _message(question.number, question.flags, code, question.asked, record)


def _message(number: int, flags: int, code: int, asked: bytes = b"", record: bytes = b"") -> bytes:
    flags = RESPONSE | flags & (OPCODE | RECURSION_DESIRED) | RECURSION_AVAILABLE | code
    return HEADER.pack(number, flags, bool(asked), bool(record), 0, 0) + asked + record


def _read_labels(message: bytes, start: int) -> tuple[list[bytes], int]:
    """The labels of a name, and where it ends. A question has no reason to refer to names elsewhere."""
    labels = []
    place = start
    while length := message[place]:
        place += 1
        label = message[place : place + length]
        if length > MAX_LABEL or len(label) < length or place + length - start >= MAX_NAME:
            raise ValueError("not a name")
        labels.append(label)
        place += length
    return labels, place + 1
