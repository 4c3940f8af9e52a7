"""Heads of HTTP/1.1 messages: read, and written anew. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import httptools

Headers = Sequence[tuple[bytes, bytes]]
"""Names and values, in order and as they were written."""

MAX_HEAD = 64 * 1024
MAX_LINES = 500
"""Of a head. Thousands of small ones take the time of everybody."""

CHUNKED = (b"Transfer-Encoding", b"chunked")
CLOSE = (b"Connection", b"close")

# Headers of one connection, not of a message that goes over several; lengths are said anew.
_OF_A_CONNECTION = frozenset(
    b"connection content-length http2-settings keep-alive proxy-connection te trailer transfer-encoding upgrade".split()
)
_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP/(\d\.\d)(?=\r\n)")
_STATUS_LINE = re.compile(rb"HTTP/(1\.\d) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?\r?\n")
# Stands before all headers, whose grammar is the same in requests and answers.
_ANY_START = b"GET / HTTP/1.1"


class Malformed(Exception):
    """Not HTTP/1.1. `status` is what a server would answer."""

    def __init__(self, status: int = 400) -> None:
        super().__init__("Not HTTP/1.1.")
        self.status = status


class Fields:
    """The headers of one message, as llhttp reads them.

    `values` are looked up by names in lower case; those of a header that is there several times are joined by commas,
    as HTTP has it, and it is among the `repeated`.
    """

    __slots__ = ("_lines", "_of_the_connection", "repeated", "values", "whole")

    def __init__(self) -> None:
        self._lines: list[tuple[bytes, bytes, bytes]] = []
        self._of_the_connection: Sequence[bytes] = ()  # what is said of it
        self.repeated: set[bytes] = set()
        self.values: dict[bytes, bytes] = {}
        self.whole = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser for each."""
        known, value = name.lower(), value.rstrip(b" \t")
        self._lines.append((known, name, value))
        if known in self.values:
            self.repeated.add(known)
            value = self.values[known] + b"," + value
        self.values[known] = value

    def on_headers_complete(self) -> None:
        """Called by the parser at their end."""
        self.whole = True
        if (said := self.values.get(b"connection")) is not None:
            self._of_the_connection = [token.strip() for token in said.lower().split(b",")]

    def closes(self) -> bool:
        """Whether the connection is to end after the message."""
        return b"close" in self._of_the_connection

    def end_to_end(self, besides: Sequence[bytes] = ()) -> Headers:
        """Those that are meant for the other end, without the ones `besides`, in lower case."""
        said = self._of_the_connection
        left_out = _OF_A_CONNECTION.union(said, besides) if said or besides else _OF_A_CONNECTION
        return [(name, value) for known, name, value in self._lines if known not in left_out]


class RequestLine(NamedTuple):
    """The first line of a request. `version` is such as b"1.1"."""

    method: bytes
    target: bytes
    version: bytes


class AnswerHead(NamedTuple):
    """The head of an answer, or of what comes before one."""

    version: bytes
    status: int
    reason: bytes
    fields: Fields


def split_request(head: bytes) -> tuple[RequestLine, bytes]:
    """The first line of a whole head, and the others, from the break before them. Raises Malformed."""
    if (start := _REQUEST_LINE.match(head)) is None:
        raise Malformed
    return RequestLine(start[1], start[2], start[3]), head[start.end() :]


def read_answer(head: bytes) -> AnswerHead:
    """What a whole head says; lines may end as on Unix. Raises Malformed."""
    if (start := _STATUS_LINE.match(head)) is None:
        raise Malformed
    return AnswerHead(start[1], int(start[2]), start[3] or b"", read_fields(b"\r\n" + head[start.end() :]))


def encoded(start: bytes, headers: Headers) -> bytes:
    """A head, from its first line to the empty one."""
    return start + b"\r\n" + encoded_headers(headers)


def encoded_headers(headers: Headers) -> bytes:
    """A head after its first line."""
    return encoded_lines(headers) + b"\r\n"


def encoded_lines(headers: Headers) -> bytes:
    """Headers alone."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def read_fields(lines: bytes) -> Fields:
    """What the lines of a head after the first say, from the break before them. Raises Malformed."""
    if lines.count(b"\n") > MAX_LINES:
        raise Malformed(431)
    fields = Fields()
    parser = httptools.HttpRequestParser(fields)
    # How long the body is, and whether that is ambiguous, isn't decided here: requests and answers differ in it.
    parser.set_dangerous_leniencies(
        lenient_chunked_length=True, lenient_transfer_encoding=True, lenient_optional_cr_before_lf=True
    )
    try:
        parser.feed_data(_ANY_START + lines)
    except httptools.HttpParserUpgrade:
        pass  # it is told when all headers were read, and nothing is switched to another protocol here
    except httptools.HttpParserError:
        raise Malformed from None  # without its text, which may be a header's
    if not fields.whole:
        raise Malformed
    return fields
