"""Answers to requests, on their way back."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus

import h11

from runtime.egress.http_bodies import Body
from runtime.egress.http_heads import CHUNKED, CLOSE, Headers, encoded, end_to_end, keeps_alive
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
    headers = dict(response.headers)
    bodiless = request.method == b"HEAD" or response.status_code in (204, 304)
    scrubbing = bool(sent.echoes) and headers.get(b"content-encoding", b"identity").lower() == b"identity"
    framing: Headers = ()
    if b"content-length" in headers and response.status_code != 204 and (bodiless or not scrubbing):
        framing = ((b"Content-Length", headers[b"content-length"]),)
    if b"transfer-encoding" in headers or not framing:
        framing = (CHUNKED,) if request.modern and not bodiless else ()
    measured = bodiless or bool(framing)
    keep_alive = request.keep_alive and keeps_alive(response) and measured
    kept = [(sent.scrubbed(name), sent.scrubbed(value)) for name, value in end_to_end(response)]
    closing = () if keep_alive else (CLOSE,)
    return Answer(
        encoded(_status_line(response, sent), [*kept, *framing, *closing]),
        Body(sent.scrubber() if scrubbing else None, chunked=CHUNKED in framing),
        keep_alive,
    )


def interim(response: h11.InformationalResponse, sent: Injected) -> bytes:
    """What comes before the answer, as it is sent."""
    headers = [(sent.scrubbed(name), sent.scrubbed(value)) for name, value in end_to_end(response)]
    return encoded(_status_line(response, sent), headers)


def own_answer(status: int, text: str) -> bytes:
    """An answer that no server has given, and the connection's last."""
    body = f"{text}\n".encode()
    headers = [(b"Content-Type", b"text/plain; charset=utf-8"), (b"Content-Length", b"%d" % len(body)), CLOSE]
    return encoded(f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode(), headers) + body


def _status_line(response: h11.Response | h11.InformationalResponse, sent: Injected) -> bytes:
    return b"HTTP/1.1 %d %b" % (response.status_code, sent.scrubbed(response.reason))
