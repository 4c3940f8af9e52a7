"""Sandlot over HTTP, on one kept-alive connection."""

from __future__ import annotations

from functools import partial
from typing import Any, Self

from bench.contestants.base import GetReady, Look, Remove, RunsCommands, Upload
from bench.contestants.connection import Connection
from bench.contestants.forms import Form, form


class Sandlot(RunsCommands):
    """Its containers. `get_ready` is as MakesSandboxes has it."""

    def __init__(self, name: str, port: int, api_key: str, get_ready: GetReady) -> None:
        self.name = name
        self._get_ready = get_ready
        self._connection = Connection(port, api_key)
        self._path = ""
        self._content_paths: dict[str, str] = {}

    def __enter__(self) -> Self:
        self._path = self._create()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._delete(self._path)
        finally:
            self._connection.close()

    def get_ready(self) -> None:
        """See MakesSandboxes."""
        self._get_ready()

    def first_output(self, command: str) -> tuple[bytes, Remove]:
        """See MakesSandboxes."""
        path = self._create()
        return self._run(path, command), partial(self._delete, path)

    def run(self, command: str) -> bytes:
        """See RunsCommands."""
        return self._run(self._path, command)

    def upload(self, name: str, content: bytes) -> Upload:
        """See KeepsFiles."""
        return partial(self._upload, name, form("file", name, content))

    def download(self, name: str) -> Look:
        """See KeepsFiles."""
        content = self._connection.request("GET", self._content_paths[name])
        return lambda: content

    def _create(self) -> str:
        made = self._connection.json("POST", "/v1/containers", {"name": "bench"})
        return f"/v1/containers/{made['id']}"

    def _upload(self, name: str, body: Form) -> None:
        file = self._connection.submit(f"{self._path}/files", body)
        self._content_paths[name] = f"{self._path}/files/{file['id']}/content"

    def _run(self, path: str, command: str) -> bytes:
        return output(self._connection.json("POST", f"{path}/shell_calls", {"commands": [command]}))

    def _delete(self, path: str) -> None:
        self._connection.json("DELETE", path)


def output(call: Any) -> bytes:
    """The standard output of a shell call of one command, which must have ended well."""
    (command,) = call["output"]
    if command["outcome"] != {"type": "exit", "exit_code": 0}:
        raise ValueError(f"The command failed: {command}")
    return str(command["stdout"]).encode()
