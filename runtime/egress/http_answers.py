"""Answers to requests, on their way back."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus

import h11

from runtime.egress.http_bodies import Body
from runtime.egress.http_heads import CHUNKED, CLOSE, Headers, closes, encoded, end_to_end, found
from runtime.egress.http_requests import RequestHead
from runtime.egress.secrets import Injected


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's head as it is sent, and how its body is; `keep_alive` is whether both sides may go on afterwards."""

    head: bytes = field(repr=False)
    body: Body
    keep_alive: bool


def answer(response: h11.Response, request: RequestHead, sent: Injected) -> Answer:
    """The answer to `request`, which was sent with these secrets: they are taken out of it.

    Bodies that the server has compressed stay as they are, though it was asked not to.
    """
    headers = response.headers.raw_items()
    scrubber = sent.scrubber() if sent.echoes and not _is_compressed(headers) else None
    framing = _framing(response, request, same_length=scrubber is None)
    keep_alive = request.keep_alive and _keeps_alive(response, request)
    closing = () if keep_alive else (CLOSE,)
    head = encoded(_status_line(response, sent), [*_scrubbed(headers, sent), *framing, *closing])
    return Answer(head, Body(scrubber, chunked=CHUNKED in framing), keep_alive)


def interim(response: h11.InformationalResponse, sent: Injected) -> bytes:
    """What comes before the answer, as it is sent."""
    return encoded(_status_line(response, sent), _scrubbed(response.headers.raw_items(), sent))


def _framing(response: h11.Response, request: RequestHead, *, same_length: bool) -> Headers:
    """How the program is told where the body ends; if it isn't, it ends with the connection."""
    headers = response.headers.raw_items()
    length = found(headers, b"content-length") if found(headers, b"transfer-encoding") is None else None
    told: Headers = () if length is None else ((b"Content-Length", length),)
    if response.status_code == 204:
        return ()
    if _has_no_body(response, request) or (told and same_length):
        return told  # without a body, it is the length of what there would be
    return (CHUNKED,) if request.modern else ()


def _keeps_alive(response: h11.Response, request: RequestHead) -> bool:
    """Whether the server means to go on. HTTP/1.0's ways to say so aren't relied on."""
    headers = response.headers.raw_items()
    ends_by_itself = (
        _has_no_body(response, request)
        or found(headers, b"content-length") is not None
        or found(headers, b"transfer-encoding") is not None
    )
    return ends_by_itself and response.http_version == b"1.1" and not closes(headers)


def _has_no_body(response: h11.Response, request: RequestHead) -> bool:
    return request.method == b"HEAD" or response.status_code in (204, 304)


def _is_compressed(headers: Headers) -> bool:
    return (found(headers, b"content-encoding") or b"identity").lower() != b"identity"


def _scrubbed(headers: Headers, sent: Injected) -> Headers:
    return [(sent.scrubbed(name), sent.scrubbed(value)) for name, value in end_to_end(headers)]


def own_answer(status: int, text: str) -> bytes:
    """An answer that no server has given, and the connection's last."""
    body = f"{text}\n".encode()
    headers = [(b"Content-Type", b"text/plain; charset=utf-8"), (b"Content-Length", b"%d" % len(body)), CLOSE]
    return encoded(f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode(), headers) + body


def _status_line(response: h11.Response | h11.InformationalResponse, sent: Injected) -> bytes:
    return b"HTTP/1.1 %d %b" % (response.status_code, sent.scrubbed(response.reason))
