"""What heads of HTTP/1.1 messages have in common on their way through. Pure."""

from __future__ import annotations

from collections.abc import Sequence

Headers = Sequence[tuple[bytes, bytes]]
"""Names and values, in order and as they were written."""

CHUNKED = (b"Transfer-Encoding", b"chunked")
CLOSE = (b"Connection", b"close")

# Headers of one connection, not of a message that goes over several; lengths are said anew.
_OF_A_CONNECTION = frozenset(
    b"connection content-length http2-settings keep-alive proxy-connection te trailer transfer-encoding upgrade".split()
)


def end_to_end(headers: Headers) -> Headers:
    """Those that are meant for the other end."""
    of_the_connection = _OF_A_CONNECTION | _said_of_the_connection(headers)
    return [(name, value) for name, value in headers if name.lower() not in of_the_connection]


def closes(headers: Headers) -> bool:
    """Whether the connection is to end after the message."""
    return b"close" in _said_of_the_connection(headers)


def encoded(start: bytes, headers: Headers) -> bytes:
    """A head, from its first line to the empty one."""
    return b"".join([start, b"\r\n", *[b"%b: %b\r\n" % header for header in headers], b"\r\n"])


def found(headers: Headers, wanted: bytes) -> bytes | None:
    """The value of the first header of that name, which is in lower case."""
    return next((value for name, value in headers if name.lower() == wanted), None)


def _said_of_the_connection(headers: Headers) -> set[bytes]:
    values = [value for name, value in headers if name.lower() == b"connection"]
    return {token.strip().lower() for value in values for token in value.split(b",")}
