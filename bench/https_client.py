"""The program whose connections are measured, the same on the host and in sandboxes: Python alone runs it.

`https_client.py WHERE HOST CA_FILE LIBRARY` connects to port 443 of WHERE, an address or a name, and wants to find HOST
there. LIBRARY is an archive with the library `requests`. It takes errands from its standard input, a line each, and
answers each by a line of JSON with the `seconds` it took:

    connect         look WHERE up, connect, shake hands, and have one small request answered
    requests COUNT  small requests, one after the other, on a connection that is there already
    session COUNT   the same by that library, as most programs would
    download BYTES  one large answer, on such a connection
    upload BYTES    one large request, on such a connection

Whatever goes wrong ends it.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from requests import Session

PIECE = bytes(range(256)) * 4096
"""What bodies are made of, over and over: 1 MiB."""

SMALL = 100  # bytes
TIMEOUT_SECONDS = 60.0

HEADERS = {"Authorization": "Bearer $API_KEY"}
"""On every request: a placeholder, to be replaced where the policy says so."""


class Client:
    """Knows where the server is. Each errand gives the seconds it took."""

    def __init__(self, where: str, host: str, ca_file: str, library: str) -> None:
        self._where = where
        self._host = host
        self._ca_file = ca_file
        self._trust = ssl.create_default_context(cafile=ca_file)
        sys.path.append(library)

    def connect(self) -> float:
        """A new connection, and what it is good for."""
        began = time.perf_counter()
        connection = self._connected()
        get(connection, memoryview(bytearray(SMALL)))
        seconds = time.perf_counter() - began
        connection.close()
        return seconds

    def requests(self, count: int) -> float:
        """Many small requests."""
        connection = self._ready()
        answer = memoryview(bytearray(SMALL))
        began = time.perf_counter()
        for _ in range(count):
            get(connection, answer)
        seconds = time.perf_counter() - began
        connection.close()
        return seconds

    def session(self, count: int) -> float:
        """Many small requests, by a library."""
        from requests import Session

        look_up = socket.getaddrinfo
        socket.getaddrinfo = lambda _, *others, **options: look_up(self._where, *others, **options)
        try:
            with Session() as session:
                session.headers.update(HEADERS)
                self._fetch(session)
                began = time.perf_counter()
                for _ in range(count):
                    self._fetch(session)
                return time.perf_counter() - began
        finally:
            socket.getaddrinfo = look_up

    def download(self, size: int) -> float:
        """One large answer."""
        connection = self._ready()
        answer = bytearray(b"-") * size  # all of the memory is there before the clock starts
        began = time.perf_counter()
        get(connection, memoryview(answer))
        seconds = time.perf_counter() - began
        connection.close()
        check(answer)
        return seconds

    def upload(self, size: int) -> float:
        """One large request."""
        connection = self._ready()
        pieces = [memoryview(PIECE)[: size - start] for start in range(0, size, len(PIECE))]
        headers = {**HEADERS, "Content-Length": str(size)}
        began = time.perf_counter()
        connection.request("PUT", "/", pieces, headers)
        arrived = connection.getresponse().read()
        seconds = time.perf_counter() - began
        connection.close()
        if arrived != str(size).encode():
            raise ValueError(f"{arrived!r} of {size} bytes arrived.")
        return seconds

    def _fetch(self, session: Session) -> None:
        response = session.get(f"https://{self._host}/{SMALL}", verify=self._ca_file)
        if response.status_code != http.client.OK or len(response.content) != SMALL:
            raise ValueError(f"{response.status_code}, and {len(response.content)} bytes.")

    def _connected(self) -> http.client.HTTPSConnection:
        plain = socket.create_connection((self._where, 443), TIMEOUT_SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = http.client.HTTPSConnection(self._host, context=self._trust)
        connection.sock = self._trust.wrap_socket(plain, server_hostname=self._host)
        return connection

    def _ready(self) -> http.client.HTTPSConnection:
        """A connection on which everything that is done once was done."""
        connection = self._connected()
        get(connection, memoryview(bytearray(SMALL)))
        return connection


def get(connection: http.client.HTTPSConnection, into: memoryview) -> None:
    """Have an answer that fills `into`."""
    connection.request("GET", f"/{len(into)}", headers=HEADERS)
    response = connection.getresponse()
    while into:
        count = response.readinto(into)
        if response.status != http.client.OK or not count:
            raise ValueError(f"{response.status}, and {len(into)} bytes are missing.")
        into = into[count:]
    if response.read():
        raise ValueError("There is more than was asked for.")


def check(answer: bytearray) -> None:
    """See that a large answer is what the server sends."""
    for start in range(0, len(answer), len(PIECE)):
        found = answer[start : start + len(PIECE)]
        if found != PIECE[: len(found)]:
            raise ValueError(f"After {start} bytes the answer is another.")


def main() -> None:
    """Run errands until there are no more."""
    client = Client(*sys.argv[1:])
    for line in sys.stdin:
        errand, *numbers = line.split()
        seconds: float = getattr(client, errand)(*map(int, numbers))
        print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
