"""Services that have been used for a while: with the records of many containers that were."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from bench.benchmarks.base import timed
from bench.contestants.connection import Connection
from bench.contestants.sandlot import output
from bench.scale.records import fill
from bench.scale.services import pool_of, serving, wait_until_ready
from tests.service import Service

POOL = 1
PAGE = 5  # as many as there are after the middle of ten


class Grown:
    """A Contestant: a service of its own with `count` such records, and one caller.

    What the caller does is done once by each method: the seconds that it took.
    """

    def __init__(self, data_dir: Path, count: int) -> None:
        self.name = f"{count:,} records"
        self._data_dir = data_dir
        self._count = count
        self._stack = ExitStack()
        self._service: Service
        self._caller: Connection
        self._middle = ""
        self._container = ""

    def __enter__(self) -> Self:
        api_key = secrets.token_urlsafe()
        self._middle = fill(self._data_dir, api_key, self._count)[self._count // 2]
        with ExitStack() as stack:
            self._service = stack.enter_context(serving(self._data_dir, {"API_KEY": api_key, **pool_of(POOL)}))
            self._caller = stack.enter_context(closing(Connection(self._service.port, api_key)))
            self._container = self._make()
            wait_until_ready(self._service, POOL)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def create(self) -> float:
        """Make a container of a sandbox that is ready."""
        made, seconds = timed(self._make)
        self._caller.json("DELETE", f"/v1/containers/{made}")
        wait_until_ready(self._service, POOL)
        return seconds

    def list_latest(self) -> float:
        """Ask for the first page."""
        return self._list({})

    def list_middle(self) -> float:
        """Ask for a page further on."""
        return self._list({"after": self._middle})

    def retrieve(self) -> float:
        """Ask for a container that nothing was asked of lately."""
        found, seconds = self._ask("GET", f"/v1/containers/{self._middle}")
        if found["id"] != self._middle:
            raise ValueError("Another container came.")
        return seconds

    def run(self) -> float:
        """Make a shell call."""
        call, seconds = self._ask("POST", f"/v1/containers/{self._container}/shell_calls", {"commands": ["true"]})
        output(call)
        return seconds

    def _make(self) -> str:
        return str(self._caller.json("POST", "/v1/containers", {"name": "bench"})["id"])

    def _list(self, query: Mapping[str, str]) -> float:
        page, seconds = self._ask("GET", f"/v1/containers?{urlencode({'limit': PAGE, **query})}")
        if len(page["data"]) != PAGE:
            raise ValueError("The page isn't full.")
        return seconds

    def _ask(self, method: str, path: str, value: Any = None) -> tuple[Any, float]:
        return timed(lambda: self._caller.json(method, path, value))
