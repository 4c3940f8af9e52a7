"""Shell calls as tests make them, over plain HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import httpx

Json: TypeAlias = dict[str, Any]

PATIENCE = 300.0
"""Seconds that a call may take on a machine that is busy with others."""

EXITED: Json = {"type": "exit", "exit_code": 0}
"""The outcome of a command that ended well."""


def call(http: httpx.Client, container_id: str, *commands: str, **fields: Any) -> Json:
    """Make a shell call, `fields` being the rest of its body, and give it as it was answered."""
    body = {"commands": commands, **fields}
    response = http.post(f"/containers/{container_id}/shell_calls", json=body, timeout=PATIENCE)
    assert response.status_code == 200, response.text
    answer: Json = response.json()
    return answer


def run(http: httpx.Client, container_id: str, command: str, **fields: Any) -> Json:
    """Run one command and give its output: `stdout`, `stderr` and `outcome`."""
    output: Json = call(http, container_id, command, **fields)["output"][0]
    return output


def stdout(http: httpx.Client, container_id: str, command: str, **fields: Any) -> str:
    """What a command that has to end well writes."""
    output = run(http, container_id, command, **fields)
    assert output["outcome"] == EXITED, output
    return str(output["stdout"])


@contextmanager
def streamed(http: httpx.Client, container_id: str, *commands: str, **fields: Any) -> Iterator[Iterator[Json]]:
    """Make a shell call and give its events as they come."""
    body = {"commands": commands, "stream": True, **fields}
    path = f"/containers/{container_id}/shell_calls"
    with http.stream("POST", path, json=body, timeout=PATIENCE) as response:
        assert response.status_code == 200, response.read()
        yield events(response.iter_lines())


def rejoined(http: httpx.Client, container_id: str, call_id: str, after: int | None = None) -> list[Json]:
    """A call's events up to its end, those after number `after`."""
    query = {} if after is None else {"starting_after": after}
    path = f"/containers/{container_id}/shell_calls/{call_id}/events"
    with http.stream("GET", path, params=query, timeout=PATIENCE) as response:
        assert response.status_code == 200, response.read()
        return list(events(response.iter_lines()))


def events(lines: Iterable[str]) -> Iterator[Json]:
    """The data of server-sent events. Each is named after its type; comments are passed over."""
    name = ""
    for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            event: Json = json.loads(value)
            assert event["type"] == name
            yield event


def joined(deltas: Iterable[Json], stream: str, command: int = 0) -> str:
    """What the deltas among some events say that one command wrote to `stdout` or `stderr`."""
    return "".join(
        event["delta"].get(stream, "")
        for event in deltas
        if event["type"].endswith(".delta") and event["command_index"] == command
    )
