"""Requests on a connection to a host: which are passed on, and what of each is. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from runtime.egress.http_framing import Framing, said_by
from runtime.egress.http_heads import (
    CHUNKED,
    CLOSE,
    Fields,
    Headers,
    RequestLine,
    encoded_headers,
    read_fields,
    split_request,
)
from runtime.egress.names import InvalidName, canonical
from runtime.egress.secrets import CREDENTIALS, Injected, NotSendable, SecretSet
from runtime.network_values import Reason

_IN_LINES = bytes({*range(0x20, 0x100)} - {0x7F} | {*b"\t\r\n"})
_IDENTITY = (b"Accept-Encoding", b"identity")
_ABSOLUTE = re.compile(rb"https?://([^/?]*)(.*)", re.IGNORECASE)


class Refused(Exception):
    """A request that doesn't go on: the status and the text that it is answered with, and the reason on record."""

    def __init__(self, status: int, text: str, reason: Reason = Reason.BAD_REQUEST) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.reason = reason


@dataclass(slots=True)
class Request:
    """A request that goes on. `head` is how it is sent, with what is `sent` in it; its body is found by `framing`.

    `modern` is whether the program speaks HTTP/1.1, `keep_alive` whether it may go on afterwards.
    """

    method: bytes
    head: bytes = field(repr=False)
    sent: Injected
    framing: Framing | None
    chunked: bool
    modern: bool
    keep_alive: bool


class Requests:
    """Those on one connection to `host`, a canonical name. What is said in headers over and over is understood once."""

    def __init__(self, host: str, port: int, secrets: SecretSet) -> None:
        self._host = host
        self._port = port
        self._secrets = secrets
        self._last: tuple[bytes, bytes] | None = None
        self._headers: _Headers

    def read(self, head: bytes) -> Request:
        """What goes on of a request with this head, a whole one. Raises Refused if nothing does, and Malformed."""
        line, lines = split_request(head)
        modern = line.version == b"1.1"
        if not modern and line.version != b"1.0":
            raise Refused(505, "Only HTTP/1.1 is spoken here.")
        if line.method == b"CONNECT":
            raise Refused(405, "This is no proxy.")
        if self._last != (line.version, lines):
            self._headers = self._understood(lines, modern=modern)
            self._last = line.version, lines
        headers = self._headers
        start = b"%b %b HTTP/1.1\r\n" % (line.method, self._origin_form(line))
        return Request(
            method=line.method,
            head=start + headers.encoded,
            sent=headers.sent,
            framing=said_by(headers.fields),
            chunked=headers.chunked,
            modern=modern,
            keep_alive=headers.keep_alive,
        )

    def _understood(self, lines: bytes, *, modern: bool) -> _Headers:
        """The lines of a head after the first, from the break before them."""
        _check_lines(lines)
        fields = read_fields(lines)
        authority = fields.values.get(b"host")
        if authority is None or b"host" in fields.repeated:
            raise Refused(400, "The request doesn't name one host.")
        host = self._host.encode() + self._check_host(authority)
        length = _length(fields, modern=modern)
        keep_alive = modern and not fields.closes()
        sent = self._with_secrets(fields)
        headers = [(b"Host", host), *sent.headers, *length, *(() if keep_alive else (CLOSE,))]
        return _Headers(fields, encoded_headers(headers), sent, CHUNKED in length, keep_alive)

    def _with_secrets(self, fields: Fields) -> Injected:
        """The headers that go on, as they are sent."""
        if not self._secrets:
            return self._secrets.inject(fields.end_to_end([b"host"]))
        if not fields.repeated.isdisjoint(CREDENTIALS):  # each would be looked for in the answer, as it is encoded
            raise Refused(400, "The request has credentials twice.")
        # Nothing can be hidden in what is compressed.
        headers = [*fields.end_to_end([b"host", b"accept-encoding"]), _IDENTITY]
        try:
            return self._secrets.inject(headers)
        except NotSendable:
            raise Refused(431, "With its secrets in, the request's head is too large or not HTTP/1.1.") from None

    def _check_host(self, authority: bytes) -> bytes:
        """Whether it is this host that is meant; the rest of it, a colon and the port, if these were said."""
        name, colon, number = authority.decode("latin-1").partition(":")
        try:
            same = name == self._host or canonical(name) == self._host
        except InvalidName:
            same = False
        if not same or (colon and number != str(self._port)):
            raise Refused(421, f"This connection leads to port {self._port} of {self._host}.", Reason.HOST_MISMATCH)
        return f"{colon}{number}".encode()

    def _origin_form(self, line: RequestLine) -> bytes:
        """The target without the host, which has to be the right one where it was said."""
        target = line.target
        if target.startswith(b"/") or (target == b"*" and line.method == b"OPTIONS"):
            return target
        absolute = _ABSOLUTE.fullmatch(target)
        if absolute is None:
            raise Refused(400, "The request's target is neither a path nor a URL.")
        self._check_host(absolute[1])
        return absolute[2] if absolute[2].startswith(b"/") else b"/" + absolute[2]


@dataclass(slots=True)
class _Headers:
    """What the headers of a request come to; `encoded` is how all of them are sent."""

    fields: Fields = field(repr=False)
    encoded: bytes = field(repr=False)
    sent: Injected
    chunked: bool
    keep_alive: bool


def _check_lines(lines: bytes) -> None:
    """Raise Refused if there is in them what others might read in another way.

    That is a CR or LF alone, a folded line, or a control character.
    """
    breaks = lines.count(b"\r\n")
    alone = lines.count(b"\r") != breaks or lines.count(b"\n") != breaks
    if alone or b"\n " in lines or b"\n\t" in lines or lines.translate(None, _IN_LINES):
        raise Refused(400, "The request's head is ambiguous.")


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
