"""Many callers in one thread, so that what is measured is the service and not they."""

from __future__ import annotations

import json
import selectors
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from bench.contestants.connection import Connection, UnexpectedAnswer

HANG_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Request:
    """What a caller asks for; `value` is sent as JSON."""

    method: str
    path: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came, and how many seconds after the request went out; an UnexpectedAnswer if the service refused."""

    seconds: float
    value: Any


class Crowd:
    """Callers with a kept-alive connection each. A context manager."""

    def __init__(self, port: int, api_key: str, callers: int) -> None:
        self._connections = [Connection(port, api_key) for _ in range(callers)]

    def __enter__(self) -> Self:
        for connection in self._connections:
            connection.request("GET", "/healthz")  # now the service has noticed it
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.close()

    def at_once(self, requests: Sequence[Request]) -> list[Answer]:
        """Every request by a caller of its own, all at the same time: the answers, in the order in which they came."""
        return list(self.talk([iter([request]) for request in requests]))

    def shared(self, requests: Sequence[Request]) -> list[Answer]:
        """As many requests at a time as there are callers; whoever has an answer takes the next."""
        left = iter(requests)
        return list(self.talk([left] * len(self._connections)))

    def talk(self, scripts: Sequence[Iterator[Request]]) -> Iterator[Answer]:
        """A caller for each script, who sends what is next in it as soon as the answer to the last has come.

        Raises TimeoutError when all wait for so long that the service hangs.
        """
        with selectors.DefaultSelector() as waiting:

            def send_next(connection: Connection, script: Iterator[Request]) -> None:
                request = next(script, None)
                if request is not None:
                    body = [] if request.value is None else [json.dumps(request.value).encode()]
                    began = time.perf_counter()
                    connection.send(request.method, request.path, "application/json", *body)
                    waiting.register(connection, selectors.EVENT_READ, (connection, script, began))

            for connection, script in zip(self._connections, scripts, strict=False):
                send_next(connection, script)
            while waiting.get_map():
                ready = waiting.select(HANG_SECONDS)
                if not ready:
                    raise TimeoutError(f"{len(waiting.get_map())} callers wait for an answer in vain.")
                for key, _ in ready:
                    waiting.unregister(key.fileobj)
                    connection, script, began = key.data
                    yield Answer(*_received(connection, began))
                    send_next(connection, script)


def _received(connection: Connection, began: float) -> tuple[float, Any]:
    """How long the answer took that is there now, and what it says."""
    try:
        value: Any = json.loads(bytes(connection.receive()))
    except UnexpectedAnswer as refused:
        value = refused
    return time.perf_counter() - began, value
