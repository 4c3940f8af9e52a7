"""Docker's `attach`, with nothing on it: what the link would have if it went through the engine, as it may have to."""

from __future__ import annotations

import socket
import struct
from functools import partial
from typing import Any, Self

import docker

from bench.contestants.base import HOME, KeepsFiles, Look, Upload
from bench.contestants.docker_options import SDK

HEADER = struct.Struct(">BxxxI")  # what Docker puts before each chunk: the stream's number, the chunk's length
RECEIVE = 1024**2

# `head` and the shell's `read` take no byte more from a pipe than they were asked to.
SERVE = """
while read -r what name size; do
    case $what in
        put) head -c "$size" > "$name"; wc -c < "$name" ;;
        get) cat "$name" ;;
        drop) wc -c < "$name"; rm "$name" ;;
    esac
done
"""


class DockerAttach(KeepsFiles):
    """The ceiling of whatever goes through the engine's streams."""

    name = "docker attach"

    def __init__(self, image: str) -> None:
        self._engine = docker.from_env()
        self._image = image
        self._sizes: dict[str, int] = {}
        self._socket: socket.socket
        self._received = bytearray()

    def __enter__(self) -> Self:
        options = {**SDK, "working_dir": HOME, "stdin_open": True}
        self._container = self._engine.containers.create(self._image, ["sh", "-c", SERVE], **options)
        attached: Any = self._container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
        self._socket = attached._sock  # the SDK gives a reader around it
        self._container.start()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._socket.close()
            self._container.remove(force=True, v=True)
        finally:
            self._engine.close()

    def upload(self, name: str, content: bytes) -> Upload:
        """See KeepsFiles."""
        return partial(self._put, name, content)

    def download(self, name: str) -> Look:
        """See KeepsFiles."""
        self._socket.sendall(f"get {name}\n".encode())
        return partial(b"".join, self._chunks(self._sizes[name]))

    def discard(self, name: str) -> int:
        """See KeepsFiles."""
        self._socket.sendall(f"drop {name}\n".encode())
        return self._number()

    def _put(self, name: str, content: bytes) -> None:
        self._socket.sendall(f"put {name} {len(content)}\n".encode())
        self._socket.sendall(content)
        self._sizes[name] = self._number()

    def _number(self) -> int:
        """The line that `wc` writes."""
        line = b""
        while not line.endswith(b"\n"):
            line += b"".join(self._chunks(1))
        return int(line)

    def _chunks(self, size: int) -> list[memoryview]:
        """The next chunks of the output, until there are `size` bytes of it."""
        chunks: list[memoryview] = []
        while size > 0:
            _, length = HEADER.unpack(self._exactly(HEADER.size))
            chunks.append(self._exactly(length))
            size -= length
        return chunks

    def _exactly(self, size: int) -> memoryview:
        while len(self._received) < size:
            piece = self._socket.recv(RECEIVE)
            if not piece:
                raise ConnectionError("The engine has closed the stream.")
            self._received += piece
        taken = memoryview(bytes(self._received[:size]))
        del self._received[:size]
        return taken
