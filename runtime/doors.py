"""Where programs of a sandbox connect to, in the sandbox's own network."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from weakref import WeakSet

from runtime.egress.connection import Connection
from runtime.egress.tcp import TcpChannel
from runtime.engines.base import MeetingPoint
from runtime.errors import SandlotError
from runtime.turns import share_turns

PAUSE_SECONDS = 0.05  # after a connection that couldn't be taken
MAX_KEPT = 4096  # addresses whose names are known
MAX_NAME = 255  # characters of such a name

HostAt = Callable[[str], Awaitable[object]]
"""Asks the agent which host an address of the sandbox stands for. None if it stands for none; else it isn't trusted."""

Take = Callable[[object, int, Connection], None]
"""Takes a connection that a program has made to a host and a port, and closes it sooner or later."""


class Doors:
    """Listens in a sandbox's network, and takes connections past the agent and the link: their sockets are its alone.

    Connections wait with the kernel for their turn. Those on one port are taken one after the other, so that a sandbox
    that makes many, or whose agent is slow to tell the host, holds up itself.
    """

    def __init__(self, point: MeetingPoint, host_at: HostAt) -> None:
        self._point = point
        self._host_at = host_at
        self._hosts: dict[str, str] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._connections: WeakSet[TcpChannel] = WeakSet()
        self._closed = asyncio.Event()

    async def open(self, ports: Sequence[int], take: Take) -> Sequence[int]:
        """Begin to take connections. Gives those of the ports on which that can't be."""
        if self._closed.is_set():
            return ports
        loop = asyncio.get_running_loop()
        try:
            listeners = await self._point.listen(ports)
        except OSError:
            return ports
        if self._closed.is_set():
            for listener in listeners.values():
                listener.close()
            return ports
        context = Context()  # not that of the request in whose course the link came about
        context.run(share_turns)
        for port, listener in listeners.items():
            self._tasks.append(loop.create_task(self._serve(port, listener, take), context=context.copy()))
        return [port for port in ports if port not in listeners]

    def close(self) -> None:
        """Take no more, and cut off what was taken; idempotent."""
        self._closed.set()
        self._point.close()
        for task in self._tasks:
            task.cancel()
        for connection in list(self._connections):
            connection.cut_off()

    async def _serve(self, port: int, listener: socket.socket, take: Take) -> None:
        with listener:
            while True:
                try:
                    program, _ = await asyncio.get_running_loop().sock_accept(listener)
                    await self._welcome(program, port, take)
                except OSError:  # it is gone again, or there is no descriptor left
                    await asyncio.sleep(PAUSE_SECONDS)

    async def _welcome(self, program: socket.socket, port: int, take: Take) -> None:
        address = program.getsockname()[0]
        connection = await TcpChannel.over(program)
        self._connections.add(connection)
        try:
            host = await self._host(address)
        except BaseException as error:
            connection.close()
            if isinstance(error, SandlotError):
                return
            raise
        if host is None:
            connection.close()
        else:
            take(host, port, connection)

    async def _host(self, address: str) -> object:
        """What an address stands for. A name has its address for good, so the agent is asked once."""
        if address in self._hosts:
            return self._hosts[address]
        host = await self._host_at(address)
        if isinstance(host, str) and len(host) <= MAX_NAME:
            if len(self._hosts) == MAX_KEPT:
                self._hosts.clear()
            self._hosts[address] = host
        return host
