"""HTTP/1.1 as a stub server speaks it."""

from __future__ import annotations

import io
from email.message import Message
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.runtime.egress.stub_streams import Accepted

PIECE = b"x" * 65536


def serve_http(stream: Accepted) -> None:
    """Answer requests, on a connection that is kept alive, by their paths.

    `/echo`: the request as it came, head and body. `/bytes/N`: N bytes. `/chunked/N`: the same in chunks.
    `/redirect?to=URL`: a redirect. `/close`: an answer that ends with the connection. Any other: `hello\\n`.
    """
    _Handler(stream)


class StreamHandler(BaseHTTPRequestHandler):
    """One of the standard library's, on a stream instead of a socket. All of it happens at construction."""

    protocol_version = "HTTP/1.1"
    rbufsize = 65536

    def __init__(self, stream: Accepted, **options: Any) -> None:
        self._stream = stream
        # What it would ask of a socket and a server, `setup` does here.
        super().__init__(stream, ("stub", 0), None, **options)  # type: ignore[arg-type]

    def setup(self) -> None:
        """Read and write there."""
        self.rfile = io.BufferedReader(self._stream, self.rbufsize)
        self.wfile = self._stream  # type: ignore[assignment]

    def finish(self) -> None:
        """Say that nothing more will come."""
        self._stream.end()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Say nothing."""


class _Handler(StreamHandler):
    def do_GET(self) -> None:
        """Any method comes here."""
        body = self._body()
        target = urlsplit(self.path)
        kind, _, rest = target.path.strip("/").partition("/")
        if kind == "echo":
            self._answer(f"{self.requestline}\n{self._head()}\n".encode() + body)
        elif kind == "bytes":
            self._start({"Content-Length": rest})
            self._pour(int(rest))
        elif kind == "chunked":
            self._start({"Transfer-Encoding": "chunked"})
            self._pour(int(rest), b"%x\r\n%b\r\n")
            self.wfile.write(b"0\r\n\r\n")
        elif kind == "redirect":
            self._start({"Location": parse_qs(target.query)["to"][0], "Content-Length": "0"}, status=302)
        elif kind == "close":
            self.close_connection = True
            self._start({"Connection": "close"})
            self.wfile.write(b"hello\n")
        else:
            self._answer(b"hello\n")

    do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = do_GET  # noqa: N815 - as above

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _head(self) -> str:
        headers: Message = self.headers
        return "".join(f"{name}: {value}\n" for name, value in headers.items())

    def _answer(self, body: bytes) -> None:
        self._start({"Content-Length": str(len(body)), "Content-Type": "text/plain"})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _start(self, headers: dict[str, str], status: int = 200) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _pour(self, size: int, chunk: bytes | None = None) -> None:
        for start in range(0, size, len(PIECE)):
            piece = PIECE[: size - start]
            self.wfile.write(chunk % (len(piece), piece) if chunk else piece)
