"""What heads of HTTP/1.1 messages have in common on their way through. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import h11

Headers = Sequence[tuple[bytes, bytes]]
"""Names and values, in order."""

CHUNKED = (b"Transfer-Encoding", b"chunked")
CLOSE = (b"Connection", b"close")

# Headers of one connection, not of a message that goes over several; lengths are said anew.
_OF_A_CONNECTION = frozenset(
    b"connection content-length http2-settings keep-alive proxy-connection te trailer transfer-encoding upgrade".split()
)


def end_to_end(message: h11.Request | h11.Response | h11.InformationalResponse) -> Headers:
    """The headers that are meant for the other end, as they were written."""
    of_the_connection = _OF_A_CONNECTION | _said_of_the_connection(message)
    pairs = zip(message.headers, message.headers.raw_items(), strict=True)
    return [written for (name, _), written in pairs if name not in of_the_connection]


def keeps_alive(message: h11.Request | h11.Response) -> bool:
    """Whether its sender means to go on with the connection. HTTP/1.0's ways to say so aren't relied on."""
    return message.http_version == b"1.1" and b"close" not in _said_of_the_connection(message)


def encoded(start: bytes, headers: Headers) -> bytes:
    """A head, from its first line to the empty one."""
    return b"".join([start, b"\r\n", *[b"%b: %b\r\n" % header for header in headers], b"\r\n"])


def _said_of_the_connection(message: h11.Request | h11.Response | h11.InformationalResponse) -> set[bytes]:
    values = [value for name, value in message.headers if name == b"connection"]
    return {token.strip().lower() for value in values for token in value.split(b",")}
