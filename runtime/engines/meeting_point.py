"""A short way into a sandbox on this machine: a Unix socket in its own network.

Abstract Unix sockets belong to a network. A thread that enters the sandbox's for a moment can listen there, and what
connects is in the sandbox; the kernel tells which process it is. Nothing is mounted, and nothing is left to connect to.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import secrets
import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Self, TypeVar

from runtime.engines.socket_stream import SocketStream

T = TypeVar("T")

CLONE_NEWNET = 0x40000000
CREDENTIALS = struct.Struct("=iII")  # SO_PEERCRED: process, user, group


class MeetingPoint:
    """Listens in a sandbox's network at `address`, an abstract Unix address without its null. To be closed.

    Anything in the sandbox can find it, but only its first process, whose id here is `pid`, gets in.
    """

    def __init__(self, name: str, pid: int, address: str, listener: socket.socket) -> None:
        self.address = address
        self._name = name
        self._pid = pid
        self._listener = listener

    @classmethod
    async def open(cls, name: str, pid: int) -> Self | None:
        """One in the network of process `pid`; None if that isn't on this machine, or this process may not enter."""
        address = f"sandlot-{secrets.token_hex(16)}"
        with suppress(OSError):
            return cls(name, pid, address, await _on_a_thread(lambda: _listen_in(pid, address)))
        return None

    async def accept(self) -> SocketStream:
        """See runtime.engines.base.MeetingPoint."""
        loop = asyncio.get_running_loop()
        while True:
            sock, _ = await loop.sock_accept(self._listener)
            if _peer(sock) == self._pid:
                return await SocketStream.connect(self._name, sock)
            sock.close()

    def close(self) -> None:
        """Listen no more; idempotent."""
        self._listener.close()


async def _on_a_thread(work: Callable[[], T]) -> T:
    """Work on a thread that nothing else uses, before or after: it may end up in another network."""
    threads = ThreadPoolExecutor(1)
    try:
        return await asyncio.get_running_loop().run_in_executor(threads, work)
    finally:
        threads.shutdown(wait=False)


def _listen_in(pid: int, address: str) -> socket.socket:
    """Listen at an abstract address in the network of a process. Leaves the thread there. Raises OSError."""
    network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(network, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "The network can't be entered")
    finally:
        os.close(network)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"\0{address}")
    listener.listen()
    listener.setblocking(False)
    return listener


def _peer(sock: socket.socket) -> int:
    """The process that has connected, by its id on this machine; 0 if it has none here."""
    pid: int = CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size))[0]
    return pid
