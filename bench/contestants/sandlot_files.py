"""Sandlot's `/v1/files` over HTTP, on one kept-alive connection."""

from __future__ import annotations

from functools import partial
from typing import Self

from bench.contestants.base import Look, Upload
from bench.contestants.connection import Connection
from bench.contestants.forms import Form, form


class SandlotFiles:
    """Implements KeepsFiles. What is left there goes with the service's folder."""

    name = "Sandlot"

    def __init__(self, port: int, api_key: str) -> None:
        self._connection = Connection(port, api_key)
        self._paths: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def upload(self, name: str, content: bytes) -> Upload:
        """See KeepsFiles."""
        return partial(self._upload, name, form("file", name, content, purpose="user_data"))

    def download(self, name: str) -> Look:
        """See KeepsFiles."""
        content = self._connection.request("GET", f"{self._paths[name]}/content")
        return lambda: content

    def discard(self, name: str) -> int:
        """See KeepsFiles."""
        path = self._paths.pop(name)
        size = int(self._connection.json("GET", path)["bytes"])
        self._connection.json("DELETE", path)
        return size

    def _upload(self, name: str, body: Form) -> None:
        self._paths[name] = f"/v1/files/{self._connection.submit('/v1/files', body)['id']}"
