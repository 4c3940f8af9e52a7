"""A sandbox with a network, and what is on the other side of it: the test."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runtime.link.connection import LinkConnection
from runtime.link.frames import Json
from tests.runtime.link.agents import Agent
from tests.runtime.link.box import Box, CommandOutput

NAMES = ["api.test", "other.test", "*.wild.test"]
PORTS = [80, 443]
OPEN_SECONDS = 30.0

PRELUDE = """
import os, signal, socket, struct, sys, threading, time
def connect(host="api.test", port=443):
    return socket.create_connection((host, port))
def read_all(s):
    data = bytearray()
    while piece := s.recv(1 << 20):
        data += piece
    return bytes(data)
def cut_off(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
"""


class NetworkedBox(Box):
    """A box whose programs' connections and lookups come to the test, in the order they are made."""

    def __init__(self, agent: Agent) -> None:
        super().__init__(agent, self._opened)
        self.connections: asyncio.Queue[tuple[Json, LinkConnection]] = asyncio.Queue()
        self.lookups: list[object] = []
        self.left_out: asyncio.Queue[int] = asyncio.Queue()

    def _opened(self, header: Json, connection: LinkConnection) -> None:
        if header["op"] == "lookup":
            self.lookups.append(header["host"])
            connection.close()
        elif header["op"] == "lookups_left_out":
            self.left_out.put_nowait(header["number"])
            connection.close()
        else:
            self.connections.put_nowait((header, connection))

    async def connection(self) -> LinkConnection:
        """The next connection that a program makes."""
        async with asyncio.timeout(OPEN_SECONDS):
            return (await self.connections.get())[1]

    def program(self, source: str) -> asyncio.Task[CommandOutput]:
        """Start a Python program; it ends with its output."""
        text = base64.b64encode((PRELUDE + source).encode()).decode()
        command = f"python3 -c \"import base64; exec(base64.b64decode('{text}'))\""
        return asyncio.create_task(self._run(command))

    async def _run(self, command: str) -> CommandOutput:
        return (await self.call(self.spec(command))).output[0]


@asynccontextmanager
async def outside(agent: Agent) -> AsyncIterator[NetworkedBox]:
    """A box with a network, until the end."""
    box = NetworkedBox(agent)
    await box.connect()
    await box.sandbox.set_network(NAMES, PORTS, {}, None)
    yield box
    box.sandbox.close()


async def read_all(connection: LinkConnection) -> bytes:
    """What a program sends, up to its end."""
    data = bytearray()
    while piece := await connection.receive():
        data += piece
    return bytes(data)
