"""Servers on addresses of their own below 127.0.0.0/8, in threads: they note every byte that reaches them.

They serve tests that await and tests that don't, programs in real sandboxes too.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from tests.runtime.egress.stub_http import serve_http
from tests.runtime.egress.stub_streams import Accepted

Serving = Callable[[Accepted], None]

GONE_SECONDS = 10.0

_numbers = itertools.count()


def new_address() -> str:
    """An address in 127.64.0.0/10 that no other server has, nor those of another run of the tests."""
    number = next(_numbers)
    place = os.getpid() + number // 64 * 9973
    return f"127.{64 + number % 64}.{place >> 8 & 255}.{place & 255}"


class StubServer:
    """Accepts connections, serves each in a thread and lets go of it. As a context manager it starts and ends.

    With `tls`, see stub_streams.server_context, connections begin with its handshake.
    """

    def __init__(
        self,
        port: int,
        serve: Serving = serve_http,
        *,
        tls: ssl.SSLContext | None = None,
        address: str | None = None,
    ) -> None:
        self.address = address or new_address()
        self.port = port
        self.connections: list[Accepted] = []
        self._serve = serve
        self._tls = tls
        self._listener = socket.create_server((self.address, port), backlog=512)
        self._sockets: list[socket.socket] = []
        self._accepted: list[tuple[str, int]] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    async def last_over(self) -> Accepted:
        """The last connection, once it is over."""
        last = self.connections[-1]
        await asyncio.to_thread(last.over.wait)
        return last

    @property
    def raw(self) -> bytes:
        """All bytes that came in, of all connections."""
        return b"".join(each.raw for each in self.connections)

    @property
    def received(self) -> bytes:
        """All that was in them: inside TLS where there is TLS."""
        return b"".join(each.received for each in self.connections)

    @property
    def untouched(self) -> bool:
        """Whether nobody has so much as connected."""
        self._catch_up()
        return not self._accepted

    @property
    def heard_nothing(self) -> bool:
        """Whether all who have connected are gone again without having said anything."""
        self._catch_up()
        return all(each.over.wait(GONE_SECONDS) and not each.raw for each in self.connections)

    def since(self, count: int) -> list[Accepted]:
        """All connections but the first `count`, once they are over. Raises TimeoutError if one never is."""
        self._catch_up()
        later = self.connections[count:]
        if not all(each.over.wait(GONE_SECONDS) for each in later):
            raise TimeoutError("A connection goes on.")
        return later

    def _catch_up(self) -> None:
        """Wait until all who have connected were accepted, by being the last of them."""
        with socket.create_connection((self.address, self.port)) as last:
            while self._accepted[-1:] != [last.getsockname()]:
                time.sleep(0.001)
        self._accepted.pop()

    def _accept(self) -> None:
        while True:
            try:
                accepted, peer = self._listener.accept()
            except OSError:
                return  # this is the end
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets.append(accepted)
            self.connections.append(Accepted(accepted))
            self._accepted.append(peer)
            threading.Thread(target=self._run, args=[accepted, self.connections[-1]], daemon=True).start()

    def _run(self, accepted: socket.socket, stream: Accepted) -> None:
        try:
            with accepted:
                if self._tls is not None:
                    stream.start_tls(self._tls)
                self._serve(stream)
        except ConnectionResetError:
            stream.was_reset = True
        except (OSError, ValueError):
            pass  # the peer said what is no TLS, or no HTTP
        finally:
            stream.over.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in [self._listener, *self._sockets]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


def echo(stream: Accepted) -> None:
    """Send everything back as it comes, then end."""
    while data := stream.read_some():
        stream.write(data)
    stream.end()


def swallow(stream: Accepted) -> None:
    """Read to the end and say nothing."""
    while stream.read_some():
        pass


def pour(size: int) -> Serving:
    """Send so many bytes, without having been asked, then end and wait for the other side's end."""

    def serve(stream: Accepted) -> None:
        piece = b"x" * 1024**2
        for start in range(0, size, len(piece)):
            stream.write(piece[: size - start])
        stream.end()
        swallow(stream)

    return serve
