"""A server that costs next to nothing, in a process of its own.

It is run as `python -m bench.https_server ADDRESS CHAIN HOST VALUE`. `GET /N` gives N bytes, `PUT /` the number of
bytes that came. Credentials have to be VALUE where HOST is asked for, and a placeholder elsewhere: so connections to
the one are known to be intercepted, and the others not to be.
"""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from contextlib import suppress

from bench.https_client import HEADERS, PIECE

READ_SIZE = 256 * 1024


class Server:
    """Accepts connections, each for a thread of its own."""

    def __init__(self, address: str, chain: str, secret_host: str, value: str) -> None:
        self._address = address
        self._secret_host = secret_host
        self._value = value
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(chain)

    def run(self) -> None:
        """Say `listening`, then serve for good."""
        with socket.create_server((self._address, 443), backlog=512) as listener:
            print("listening", flush=True)
            while True:
                accepted, _ = listener.accept()
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=[accepted], daemon=True).start()

    def _serve(self, accepted: socket.socket) -> None:
        with suppress(OSError), self._tls.wrap_socket(accepted, server_side=True) as connection:
            buffer = memoryview(bytearray(READ_SIZE))
            while self._exchange(connection, buffer):
                pass

    def _exchange(self, connection: ssl.SSLSocket, buffer: memoryview) -> bool:
        """One request and its answer; False when the client has enough."""
        received = b""
        while b"\r\n\r\n" not in received:
            count = connection.recv_into(buffer)
            if not count:
                return False
            received += buffer[:count]
        head, _, begin = received.partition(b"\r\n\r\n")
        request, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        method, target, _ = request.split(" ")
        wanted = f"Bearer {self._value}" if headers["host"] == self._secret_host else HEADERS["Authorization"]
        if headers["authorization"] != wanted:
            connection.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        elif method == "GET":
            _send(connection, int(target[1:]))
        else:
            missing = int(headers["content-length"]) - len(begin)
            while missing and (count := connection.recv_into(buffer[:missing])):
                missing -= count
            arrived = str(int(headers["content-length"]) - missing)
            connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(arrived)}\r\n\r\n{arrived}".encode())
        return True


def _send(connection: ssl.SSLSocket, size: int) -> None:
    """An answer of that size; a small one in one piece."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size
    first = min(size, 1024)
    connection.sendall(head + PIECE[:first])
    sent = first
    while sent < size:
        start = sent % len(PIECE)
        piece = memoryview(PIECE)[start : start + size - sent]
        connection.sendall(piece)
        sent += len(piece)


if __name__ == "__main__":
    Server(*sys.argv[1:]).run()
