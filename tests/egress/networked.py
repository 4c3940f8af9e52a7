"""Containers with a network, as these tests use them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.egress.programs import PROGRAMS
from tests.shell import Json, run


@dataclass(frozen=True, slots=True)
class Networked:
    """A container with a network."""

    http: httpx.Client
    id: str

    def run(self, line: str, **fields: Any) -> Json:
        """What a line of shell writes, and how it ends."""
        return run(self.http, self.id, line, **fields)

    def try_program(self, program: str, host: str, ca: str = "", auth: str = "") -> Json:
        """What it writes, in a folder of its own."""
        line = f'cd "$(mktemp -d)"; {PROGRAMS[program].line}'
        return self.run(f"HOST={host} CA={ca} AUTH={auth}; export HOST CA AUTH; {line}", timeout_ms=60_000)

    def records(self, host: str) -> list[tuple[str, str]]:
        """What became of attempts to reach a host, the latest first."""
        listed = self.http.get(f"/containers/{self.id}/egress", params={"limit": 100}).raise_for_status().json()["data"]
        return [(record["verdict"], record["reason"]) for record in listed if record["host"] == host]


@contextmanager
def networked_container(api: httpx.Client, policy: Json) -> Iterator[Networked]:
    """A new container with that network, deleted at the end."""
    made = api.post("/containers", json={"name": "networked", "network_policy": policy}).raise_for_status().json()
    yield Networked(api, made["id"])
    api.delete(f"/containers/{made['id']}").raise_for_status()
