"""The open ports, and the connections of programs that arrive there."""

from __future__ import annotations

import contextlib
import resource
import socket
from collections.abc import Sequence
from functools import partial

from runtime.agent.channel import RequestFailed
from runtime.agent.door import Door
from runtime.agent.loop import Loop
from runtime.agent.mux import Mux
from runtime.agent.names import Names
from runtime.agent.relay import AT_ONCE, Relay

MAX_CONNECTIONS = 1000
DESCRIPTORS_EACH = 2


class Listeners:
    """Passes connections on to the host, with the names that were meant.

    One socket for a port listens on all addresses: one for each name would be thousands.
    """

    def __init__(self, loop: Loop, mux: Mux, names: Names) -> None:
        self._loop = loop
        self._mux = mux
        self._names = names
        self._doors: dict[int, Door] = {}
        self._connections = 0
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._most = min(MAX_CONNECTIONS, descriptors // (2 * DESCRIPTORS_EACH))  # half is for everything else

    def listen(self, ports: Sequence[int]) -> list[int]:
        """From now on listen on these ports and no others; gives those on which that isn't possible."""
        for port in self._doors.keys() - set(ports):
            self._doors.pop(port).close()
        failed = []
        for port in ports:
            if port not in self._doors:
                try:
                    self._doors[port] = Door(self._loop, ("", port), partial(self._take, port), self._room)
                except OSError:  # a program of the sandbox has it
                    failed.append(port)
        return failed

    def _room(self) -> bool:
        return self._mux.has_room

    def _take(self, port: int, program: socket.socket) -> None:
        """Open a channel for a connection; one that can't have any is reset."""
        try:
            name = self._names.at(program.getsockname()[0])
            if name is None or self._connections >= self._most:
                raise ConnectionRefusedError
            program.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            channel = self._mux.open({"op": "connect", "host": name, "port": port})
        except (OSError, RequestFailed):
            with contextlib.suppress(OSError):
                program.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            program.close()
            return
        self._connections += 1
        channel.request = Relay(self._loop, channel, program, self._ended)

    def _ended(self) -> None:
        self._connections -= 1
