"""Heads of requests, of which the gate goes on with no more than h11 would, and understands the same."""

from __future__ import annotations

from collections.abc import Iterable

import h11

from runtime.egress.http_heads import Malformed, read_request
from runtime.egress.http_requests import Refused, check_lines, checked

HOST = "api.test"

SEEDS = [
    b"GET / HTTP/1.1\r\nHost: api.test\r\nX: 1\r\n\r\n",
    b"POST /a?b HTTP/1.1\r\nhost: API.test.\r\nContent-Length: 3\r\nConnection: x, Y\r\nY: 2\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: Chunked\r\nCookie: a=b; c\r\n\r\n",
    b"OPTIONS * HTTP/1.0\r\nHost: api.test:443\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 1\r\n\r\n",
    b"PUT / HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
    b"MY.VERB / HTTP/1.1\r\nHost: api.test\r\nX:\t \xff \r\nX: 2\r\n\r\n",
]


def check(data: bytes) -> None:
    """The bytes are a head, and what follows."""
    end = data.find(b"\r\n\r\n")
    head = data[: end + 4] if end >= 0 else data
    try:
        check_lines(head)
        request = read_request(head)
        goes_on = checked(request, HOST, 443)
    except (Malformed, Refused):
        return
    parser = h11.Connection(h11.SERVER, 2**20)
    parser.receive_data(head)
    understood = parser.next_event()
    assert isinstance(understood, h11.Request)
    assert (request.method, request.target) == (understood.method, understood.target)
    headers = understood.headers.raw_items()
    assert all(header in headers for header in goes_on.headers)
    assert lengths(goes_on.length) == lengths(understood.headers)


def lengths(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Those that say how long the body is."""
    lower = [(name.lower(), value) for name, value in headers]
    return [(name, value) for name, value in lower if name in (b"content-length", b"transfer-encoding")]
