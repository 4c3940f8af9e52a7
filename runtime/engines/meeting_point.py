"""A short way into a sandbox on this machine: sockets in its own network.

Sockets belong to the network they were made in. A thread that enters the sandbox's for a moment can listen there, and
what connects is in the sandbox. Nothing is mounted.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import secrets
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import FileIO
from typing import Self, TypeVar

from runtime.engines.socket_stream import SocketStream

T = TypeVar("T")

CLONE_NEWNET = 0x40000000
CREDENTIALS = struct.Struct("=iII")  # SO_PEERCRED: process, user, group
BACKLOG = 1024  # connections of programs that may wait to be taken


class LocalMeetingPoint:
    """Implements runtime.engines.base.MeetingPoint, in the network of process `pid`.

    The agent comes to an abstract Unix socket. Anything in the sandbox can find that, but the kernel tells which
    process it is that connects.
    """

    def __init__(self, name: str, pid: int, address: str, network: FileIO, listener: socket.socket) -> None:
        self.address = address
        self._name = name
        self._pid = pid
        self._network = network
        self._listener = listener

    @classmethod
    async def open(cls, name: str, pid: int) -> Self | None:
        """One in the network of process `pid`; None if that isn't on this machine, or this process may not enter."""
        address = f"sandlot-{secrets.token_hex(16)}"
        with suppress(OSError):
            network = FileIO(f"/proc/{pid}/ns/net")
            try:
                listener = await _inside(network, lambda: _meeting_at(address))
            except BaseException:
                network.close()
                raise
            return cls(name, pid, address, network, listener)
        return None

    async def accept(self) -> SocketStream:
        """See runtime.engines.base.MeetingPoint."""
        loop = asyncio.get_running_loop()
        while True:
            sock, _ = await loop.sock_accept(self._listener)
            if _peer(sock) == self._pid:
                self._listener.close()
                return await SocketStream.connect(self._name, sock)
            sock.close()

    async def listen(self, ports: Sequence[int]) -> Mapping[int, socket.socket]:
        """See runtime.engines.base.MeetingPoint."""
        return await _inside(self._network, lambda: _listening_on(ports))

    def close(self) -> None:
        """See runtime.engines.base.MeetingPoint."""
        self._listener.close()
        self._network.close()


async def _inside(network: FileIO, work: Callable[[], T]) -> T:
    """Work in a network, on a thread that nothing else uses, before or after: it stays there. Raises OSError."""
    entrance = FileIO(os.dup(network.fileno()))  # of the thread's own: whoever waits for it may be gone by then

    def enter_and_work() -> T:
        with entrance:
            if ctypes.CDLL(None, use_errno=True).setns(entrance.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "The network can't be entered")
        return work()

    threads = ThreadPoolExecutor(1)
    try:
        return await asyncio.get_running_loop().run_in_executor(threads, enter_and_work)
    finally:
        threads.shutdown(wait=False)


def _meeting_at(address: str) -> socket.socket:
    """Listen at an abstract Unix address. Raises OSError."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"\0{address}")
    listener.listen()
    listener.setblocking(False)
    return listener


def _listening_on(ports: Sequence[int]) -> dict[int, socket.socket]:
    """Listen on those ports that are free."""
    listeners = {}
    for port in ports:
        with suppress(OSError):
            listeners[port] = socket.create_server(("", port), backlog=BACKLOG)
            listeners[port].setblocking(False)
    return listeners


def _peer(sock: socket.socket) -> int:
    """The process that has connected, by its id on this machine; 0 if it has none here."""
    pid: int = CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size))[0]
    return pid
