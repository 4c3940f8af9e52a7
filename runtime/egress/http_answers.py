"""Answers to requests, on their way back."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus

from runtime.egress.http_bodies import Body
from runtime.egress.http_framing import Counted, Framing, UntilTheEnd, said_by
from runtime.egress.http_heads import CHUNKED, CLOSE, AnswerHead, Headers, Malformed, encoded, encoded_lines
from runtime.egress.http_requests import Request
from runtime.egress.secrets import MAX_SIZE, Injected

MAX_SEARCHED = 128 * 1024
"""Bytes times the values that are looked for in them, in one go: what takes 0.1 s at worst in a head that has one, and
20 ms in a body."""


@dataclass(slots=True)
class Answer:
    """An answer's head as it is sent, how its body came, and how it is sent.

    `keep_alive` is whether both sides may go on afterwards.
    """

    head: bytes = field(repr=False)
    framing: Framing
    body: Body
    keep_alive: bool


def answer(response: AnswerHead, request: Request) -> Answer:
    """The answer to `request`: the secrets that this was sent with are taken out of it. Raises Malformed.

    Whatever a body is said to be encoded in, it is looked through: that may not be true.
    """
    sent = request.sent
    framing = Counted(0) if _has_no_body(response, request) else said_by(response.fields) or UntilTheEnd()
    scrubber = sent.scrubber() if sent.echoes else None
    told = _told(response, request, same_length=scrubber is None)
    ends_by_itself = not isinstance(framing, UntilTheEnd)
    # HTTP/1.0's ways to say that it goes on aren't relied on.
    keep_alive = request.keep_alive and ends_by_itself and response.version == b"1.1" and not response.fields.closes()
    closing = () if keep_alive else (CLOSE,)
    return Answer(
        _head(response, sent, [*told, *closing]), framing, Body(scrubber, chunked=CHUNKED in told), keep_alive
    )


def interim(response: AnswerHead, request: Request) -> bytes:
    """What comes before the answer, as it is sent. Raises Malformed."""
    return _head(response, request.sent, ())


def _told(response: AnswerHead, request: Request, *, same_length: bool) -> Headers:
    """How the program is told where the body ends; if it isn't, it ends with the connection."""
    values = response.fields.values
    length = None if b"transfer-encoding" in values else values.get(b"content-length")
    told: Headers = () if length is None else ((b"Content-Length", length),)
    if response.status == 204:
        return ()
    if _has_no_body(response, request) or (told and same_length):
        return told  # without a body, it is the length of what there would be
    return (CHUNKED,) if request.modern else ()


def _has_no_body(response: AnswerHead, request: Request) -> bool:
    return request.method == b"HEAD" or response.status in (204, 304)


def _head(response: AnswerHead, sent: Injected, own: Headers) -> bytes:
    """As it came, for the other end; most often no secret is in it. Raises Malformed where hiding it goes too far."""
    said = response.reason + b"\r\n" + encoded_lines(response.fields.end_to_end())
    if sent.is_in(said):
        if len(said) * len(sent.echoes) > MAX_SEARCHED:
            raise Malformed
        said = sent.scrubbed(said)
        if len(said) > MAX_SIZE:
            raise Malformed
    return b"HTTP/1.1 %d %b%b\r\n" % (response.status, said, encoded_lines(own))


def own_answer(status: int, text: str) -> bytes:
    """An answer that no server has given, and the connection's last."""
    body = f"{text}\n".encode()
    headers = [(b"Content-Type", b"text/plain; charset=utf-8"), (b"Content-Length", b"%d" % len(body)), CLOSE]
    return encoded(f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode(), headers) + body
