"""Requests on a connection to a host: which of them go on, and what of each does. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from runtime.egress.http_framing import Counted, Framing, said_by
from runtime.egress.http_heads import CHUNKED, CLOSE, Asked, Fields, Headers, encoded
from runtime.egress.names import InvalidName, canonical
from runtime.network_values import Reason

_IN_LINES = bytes({*range(0x20, 0x100)} - {0x7F} | {*b"\t\r\n"})
_ABSOLUTE = re.compile(rb"https?://([^/?]*)(.*)", re.IGNORECASE)


class Refused(Exception):
    """A request that doesn't go on: the status and the text that it is answered with, and the reason on record."""

    def __init__(self, status: int, text: str, reason: Reason = Reason.BAD_REQUEST) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.reason = reason


@dataclass(slots=True)
class RequestHead:
    """What goes on of a request's head. `length` is what says how long its body is, by `framing` its end is found.

    `modern` is whether the program speaks HTTP/1.1, `keep_alive` whether it may go on afterwards.
    """

    method: bytes
    target: bytes
    host: bytes
    headers: Headers = field(repr=False)
    length: Headers
    framing: Framing
    modern: bool
    keep_alive: bool

    def encoded(self, headers: Headers) -> bytes:
        """The head as it is sent, with `headers` in the place of its own."""
        closing = () if self.keep_alive else (CLOSE,)
        start = b"%b %b HTTP/1.1" % (self.method, self.target)
        return encoded(start, [(b"Host", self.host), *headers, *self.length, *closing])


def check_lines(head: bytes) -> None:
    """Raise Refused if a head, as it came, has in it what others might read in another way.

    That is a CR or LF alone, a folded line, or a control character.
    """
    lines = head.count(b"\r\n")
    alone = head.count(b"\r") != lines or head.count(b"\n") != lines
    if alone or b"\n " in head or b"\n\t" in head or head.translate(None, _IN_LINES):
        raise Refused(400, "The request's head is ambiguous.")


def checked(request: Asked, host: str, port: int) -> RequestHead:
    """What goes on of a request on a connection to `host`, a canonical name. Raises Refused if nothing does."""
    fields = request.fields
    modern = request.version == b"1.1"
    if not modern and request.version != b"1.0":
        raise Refused(505, "Only HTTP/1.1 is spoken here.")
    if request.method == b"CONNECT":
        raise Refused(405, "This is no proxy.")
    authority = fields.values.get(b"host")
    if authority is None or b"host" in fields.repeated:
        raise Refused(400, "The request doesn't name one host.")
    port_said = _check_host(authority, host, port)
    return RequestHead(
        method=request.method,
        target=_origin_form(request, host, port),
        host=host.encode() + port_said,
        headers=fields.end_to_end([b"host"]),
        length=_length(fields, modern=modern),
        framing=said_by(fields) or Counted(0),
        modern=modern,
        keep_alive=modern and not fields.closes(),
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


def _origin_form(request: Asked, host: str, port: int) -> bytes:
    """The target without the host, which has to be the right one where it was said."""
    target = request.target
    if target.startswith(b"/") or (target == b"*" and request.method == b"OPTIONS"):
        return target
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise Refused(400, "The request's target is neither a path nor a URL.")
    _check_host(absolute[1], host, port)
    return absolute[2] if absolute[2].startswith(b"/") else b"/" + absolute[2]


def _length(fields: Fields, *, modern: bool) -> Headers:
    """By the parser, a Content-Length is one number."""
    length = fields.values.get(b"content-length")
    if (coding := fields.values.get(b"transfer-encoding")) is None:
        return () if length is None else ((b"Content-Length", length),)
    if length is not None or not modern:
        raise Refused(400, "It is ambiguous where the request's body ends.")
    if coding.lower() != b"chunked":
        raise Refused(501, "The only transfer encoding here is chunked.")
    return (CHUNKED,)
