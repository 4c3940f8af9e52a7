"""Where connections of programs arrive."""

from __future__ import annotations

import socket
from collections.abc import Callable

from runtime.agent.loop import Loop

BACKLOG = 1024
BATCH = 64  # connections taken at a time
PAUSE_SECONDS = 0.05


class Door:
    """A listening TCP socket. Gives each connection to `take`, which owns it then, while there is `room`.

    Whoever comes when there is none, or no descriptor is left, waits with the kernel.
    """

    def __init__(
        self,
        loop: Loop,
        address: tuple[str, int],
        take: Callable[[socket.socket], None],
        room: Callable[[], bool],
    ) -> None:
        self._loop = loop
        self._take = take
        self._room = room
        self._watching = False
        self._socket = socket.socket()
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # beside what is left of old connections
            self._socket.bind(address)
            self._socket.listen(BACKLOG)
            self._socket.setblocking(False)
            self._watch()
        except OSError:
            self._socket.close()
            raise

    def close(self) -> None:
        """Listen no more."""
        self._stop_watching()
        self._socket.close()

    def _watch(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.on_readable(self._socket.fileno(), self._accept)
            self._watching = True

    def _stop_watching(self) -> None:
        if self._watching:
            self._loop.forget(self._socket.fileno())
            self._watching = False

    def _accept(self) -> None:
        """Take what has arrived; pause where that can't be."""
        for _ in range(BATCH):
            try:
                connection = self._socket.accept()[0] if self._room() else None
            except (BlockingIOError, ConnectionError):  # there is no other, or it is gone again
                return
            except OSError:
                connection = None
            if connection is None:
                self._stop_watching()
                self._loop.call_later(PAUSE_SECONDS, self._watch)
                return
            connection.setblocking(False)
            self._take(connection)
