"""Heads of requests, of which the gate goes on with no more than h11 would, and understands the same."""

from __future__ import annotations

import h11

from runtime.egress.http_heads import Malformed
from runtime.egress.http_requests import Refused, Requests
from runtime.egress.secrets import SecretSet

HOST = "api.test"
LENGTHS = (b"content-length", b"transfer-encoding")

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
    requests = Requests(HOST, 443, SecretSet(HOST, {}))
    try:
        sent = understood(requests.read(head).head)
    except (Malformed, Refused):
        return
    assert understood(requests.read(head).head).headers == sent.headers
    meant = understood(head)
    assert sent.method == meant.method
    assert meant.target.endswith(sent.target.removeprefix(b"/"))
    own = {(b"Host", HOST.encode()), (b"Host", b"%b:443" % HOST.encode()), (b"Connection", b"close")}
    others = {header for header in sent.headers.raw_items() if header[0].lower() not in LENGTHS}
    assert others - own <= set(meant.headers.raw_items())
    assert lengths(sent) == lengths(meant)


def understood(head: bytes) -> h11.Request:
    """A request, by h11."""
    parser = h11.Connection(h11.SERVER, 2**20)
    parser.receive_data(head)
    request = parser.next_event()
    assert isinstance(request, h11.Request)
    return request


def lengths(request: h11.Request) -> list[tuple[bytes, bytes]]:
    """What says how long its body is."""
    return [header for header in request.headers if header[0] in LENGTHS]
