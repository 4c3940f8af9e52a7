"""One kept-alive HTTP/1.1 connection that costs next to nothing, so that what is measured is the server."""

from __future__ import annotations

import json
import select
import socket
from http import HTTPStatus
from typing import Any

from bench.contestants.forms import MEDIA_TYPE, Form

SEARCHED = 64 * 1024  # bytes read at a time while looking for the end of a response's head
TIMEOUT_SECONDS = 60.0


class UnexpectedAnswer(Exception):
    """The service didn't answer as it should."""


class Connection:
    """Requests one after the other, with an API key. Responses must name their length."""

    def __init__(self, port: int, api_key: str) -> None:
        self._port = port
        self._socket = _connect(port)
        self._memory = bytearray()
        self._headers = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {api_key}\r\n"

    def json(self, method: str, path: str, value: Any = None) -> Any:
        """Send a JSON body, or none, and read one."""
        body = [] if value is None else [json.dumps(value).encode()]
        return json.loads(bytes(self.request(method, path, "application/json", *body)))

    def submit(self, path: str, form: Form) -> Any:
        """Send a form, and read a JSON body."""
        return json.loads(bytes(self.request("POST", path, MEDIA_TYPE, *form)))

    def request(self, method: str, path: str, media_type: str = "", *body: bytes) -> memoryview:
        """Send a request whose body comes in pieces: the body of the answer, if that is a 200.

        What is returned is good until the next request: new memory for a large body would cost more than receiving it.
        """
        self.send(method, path, media_type, *body)
        return self.receive()

    def send(self, method: str, path: str, media_type: str = "", *body: bytes) -> None:
        """The first half of a request."""
        length = sum(map(len, body))
        content = f"Content-Type: {media_type}\r\nContent-Length: {length}\r\n" if body else ""
        self._be_connected()
        head = f"{method} {path} HTTP/1.1\r\n{self._headers}{content}\r\n".encode()
        # Small requests go out in one piece, as clients do it; large pieces without being copied.
        if length < SEARCHED:
            self._socket.sendall(head + b"".join(body))
        else:
            self._socket.sendall(head)
            for piece in body:
                self._socket.sendall(piece)

    def receive(self) -> memoryview:
        """The other half of a request, as that returns it."""
        received = b""
        while b"\r\n\r\n" not in received:
            piece = self._socket.recv(SEARCHED)
            if not piece:
                raise UnexpectedAnswer("The service hung up.")
            received += piece
        head, _, begin = received.partition(b"\r\n\r\n")
        status, headers = _parse(head)
        body = self._fill(begin, int(headers[b"content-length"]))
        if status != HTTPStatus.OK:
            raise UnexpectedAnswer(f"{status}: {bytes(body).decode(errors='replace')}")
        return body

    def fileno(self) -> int:
        """The socket's, to wait with others for an answer. It may be another after `send`."""
        return self._socket.fileno()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _be_connected(self) -> None:
        """Connect anew where the service has hung up: it does so with connections that were idle for a while."""
        if select.select([self._socket], [], [], 0)[0]:
            self._socket.close()
            self._socket = _connect(self._port)

    def _fill(self, begin: bytes, length: int) -> memoryview:
        """A body of `length` bytes that begins with `begin`."""
        if length > len(self._memory):
            self._memory = bytearray(length)
        body = memoryview(self._memory)[:length]
        body[: len(begin)] = begin
        rest = body[len(begin) :]
        while rest:
            count = self._socket.recv_into(rest)
            if not count:
                raise UnexpectedAnswer("The service hung up.")
            rest = rest[count:]
        return body


def _connect(port: int) -> socket.socket:
    connected = socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


def _parse(head: bytes) -> tuple[int, dict[bytes, bytes]]:
    """Status and headers of a response."""
    line, *lines = head.split(b"\r\n")
    headers = dict(line.lower().split(b": ", 1) for line in lines)
    return int(line.split(b" ")[1]), headers
