"""Requests on a connection to a host: which of them go on, and what of each does. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import h11

from runtime.egress.http_heads import CHUNKED, CLOSE, Headers, closes, encoded, end_to_end, found
from runtime.egress.names import InvalidName, canonical
from runtime.network_values import Reason

# What is read in different ways by different servers: bare CR and LF, folded lines, control characters.
_DOUBTFUL = re.compile(rb"\r(?!\n)|(?<!\r)\n|\n[ \t]|[\0-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LENGTHS = re.compile(rb"\ncontent-length:([^\r]*)", re.IGNORECASE)
_ABSOLUTE = re.compile(rb"https?://([^/?]*)(.*)", re.IGNORECASE)


class Refused(Exception):
    """A request that doesn't go on: the status and the text that it is answered with, and the reason on record."""

    def __init__(self, status: int, text: str, reason: Reason = Reason.BAD_REQUEST) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.reason = reason


@dataclass(frozen=True, slots=True)
class RequestHead:
    """What goes on of a request's head. `framing` says how long its body is.

    `modern` is whether the program speaks HTTP/1.1, `keep_alive` whether it may go on afterwards.
    """

    method: bytes
    target: bytes
    host: bytes
    headers: Headers = field(repr=False)
    framing: Headers
    modern: bool
    keep_alive: bool

    def encoded(self, headers: Headers) -> bytes:
        """The head as it is sent, with `headers` in the place of its own."""
        closing = () if self.keep_alive else (CLOSE,)
        start = b"%b %b HTTP/1.1" % (self.method, self.target)
        return encoded(start, [(b"Host", self.host), *headers, *self.framing, *closing])


def check_lines(head: bytes) -> None:
    """Raise Refused if a head, as it came, has in it what others might read in another way."""
    lengths = _LENGTHS.findall(head)
    if _DOUBTFUL.search(head) or len(lengths) > 1 or any(b"," in length for length in lengths):
        raise Refused(400, "The request's head is ambiguous.")


def checked(request: h11.Request, host: str, port: int) -> RequestHead:
    """What goes on of a request that came on a connection to `host`, a canonical name. Raises Refused if nothing does.

    By h11 it names one host at most, and says how long its body is by one number, by `chunked`, or by both.
    """
    headers = request.headers.raw_items()
    modern = request.http_version == b"1.1"
    if not modern and request.http_version != b"1.0":
        raise Refused(505, "Only HTTP/1.1 is spoken here.")
    if request.method == b"CONNECT":
        raise Refused(405, "This is no proxy.")
    if (authority := found(headers, b"host")) is None:
        raise Refused(400, "The request names no host.")
    port_said = _check_host(authority, host, port)
    return RequestHead(
        method=request.method,
        target=_origin_form(request, host, port),
        host=host.encode() + port_said,
        headers=[header for header in end_to_end(headers) if header[0].lower() != b"host"],
        framing=_framing(headers, modern=modern),
        modern=modern,
        keep_alive=modern and not closes(headers),
    )


def _check_host(authority: bytes, host: str, port: int) -> bytes:
    """Whether it is `host` that is meant; the rest of it, a colon and the port, if these were said."""
    name, colon, number = authority.decode("latin-1").partition(":")
    try:
        same = name == host or canonical(name) == host
    except InvalidName:
        same = False
    if not same or (colon and number != str(port)):
        raise Refused(421, f"This connection leads to port {port} of {host}.", Reason.HOST_MISMATCH)
    return f"{colon}{number}".encode()


def _origin_form(request: h11.Request, host: str, port: int) -> bytes:
    """The target without the host, which has to be the right one where it was said."""
    target = request.target
    if target.startswith(b"/") or (target == b"*" and request.method == b"OPTIONS"):
        return target
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise Refused(400, "The request's target is neither a path nor a URL.")
    _check_host(absolute[1], host, port)
    return absolute[2] if absolute[2].startswith(b"/") else b"/" + absolute[2]


def _framing(headers: Headers, *, modern: bool) -> Headers:
    length = found(headers, b"content-length")
    if found(headers, b"transfer-encoding") is None:
        return () if length is None else ((b"Content-Length", length),)
    if length is not None or not modern:
        raise Refused(400, "It is ambiguous where the request's body ends.")
    return (CHUNKED,)
