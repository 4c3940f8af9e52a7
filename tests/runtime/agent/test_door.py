"""Where connections of programs arrive: what can't be taken waits, and costs nothing meanwhile."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

LISTENING = """
import json, resource, socket, sys
from runtime.agent.door import Door
from runtime.agent.loop import Loop

loop, taken, asked = Loop(), [], 0
def room():
    global asked
    asked += 1
    return {room}
def tell(**facts):
    print(json.dumps(facts), flush=True)
def later():
    tell(taken=len(taken), asked=asked)
    for connection in taken: connection.close()
    {later}
def take(connection):
    taken.append(connection)
    if len(taken) == {clients}: loop.stop()
door = Door(loop, ("127.0.0.1", 0), take, room)
resource.setrlimit(resource.RLIMIT_NOFILE, ({descriptors}, {descriptors}))
tell(port=door._socket.getsockname()[1])
loop.call_later(1, later)
loop.run()
tell(taken=len(taken))
"""
CLIENTS = 100


def test_no_descriptors_left() -> None:
    """Connections for which there are no descriptors are taken when there are."""
    with _door(descriptors=64) as (facts, port), _clients(port):
        first = next(facts)
        assert 0 < first["taken"] < 64
        assert first["asked"] < 10 * CLIENTS  # in a second; without a pause it would be many thousands
        assert next(facts)["taken"] == CLIENTS


def test_no_room() -> None:
    """Connections for which there is no room are taken when there is."""
    with (
        _door(room="False", later="globals().update(room=lambda: True); door._room = room") as (facts, port),
        _clients(port),
    ):
        first = next(facts)
        assert first["taken"] == 0
        assert first["asked"] < 10 * CLIENTS
        assert next(facts)["taken"] == CLIENTS


def test_a_door_that_is_closed_while_it_pauses() -> None:
    """It stays closed."""
    with _door(room="False", later="door.close(); loop.call_later(0.2, loop.stop)") as (facts, port), _clients(port):
        assert next(facts)["taken"] == 0
        assert next(facts)["taken"] == 0


@contextmanager
def _door(
    room: str = "True", later: str = "taken[:] = [None] * len(taken)", descriptors: int = 1024
) -> Iterator[tuple[Iterator[dict[str, Any]], int]]:
    """A process with a door, what it tells, and its port."""
    source = LISTENING.format(room=room, later=later, descriptors=descriptors, clients=CLIENTS)
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        facts = (json.loads(line) for line in process.stdout)
        yield facts, next(facts)["port"]
        assert process.wait(30) == 0


@contextmanager
def _clients(port: int) -> Iterator[None]:
    with ExitStack() as clients:
        for _ in range(CLIENTS):
            clients.enter_context(socket.create_connection(("127.0.0.1", port)))
        yield
