"""Sandlot through OpenAI's own client, as most programs would use it."""

from __future__ import annotations

from functools import partial
from typing import Self

import openai

from bench.contestants.base import GetReady, Look, Remove, RunsCommands, Upload
from bench.contestants.sandlot import output


class OpenAIClient(RunsCommands):
    """Its containers. `get_ready` is as MakesSandboxes has it."""

    name = "Sandlot, openai client"

    def __init__(self, base_url: str, api_key: str, get_ready: GetReady) -> None:
        self._get_ready = get_ready
        self._client = openai.OpenAI(base_url=base_url, api_key=api_key, max_retries=0)
        self._container = ""
        self._files: dict[str, str] = {}

    def __enter__(self) -> Self:
        self._container = self._client.containers.create(name="bench").id
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._client.containers.delete(self._container)
        finally:
            self._client.close()

    def get_ready(self) -> None:
        """See MakesSandboxes."""
        self._get_ready()

    def first_output(self, command: str) -> tuple[bytes, Remove]:
        """See MakesSandboxes."""
        container = self._client.containers.create(name="bench").id
        return self._run(container, command), partial(self._client.containers.delete, container)

    def run(self, command: str) -> bytes:
        """See RunsCommands."""
        return self._run(self._container, command)

    def upload(self, name: str, content: bytes) -> Upload:
        """See KeepsFiles."""
        return partial(self._upload, name, content)

    def download(self, name: str) -> Look:
        """See KeepsFiles."""
        content = self._client.containers.files.content
        return content.retrieve(self._files[name], container_id=self._container).read

    def _upload(self, name: str, content: bytes) -> None:
        self._files[name] = self._client.containers.files.create(self._container, file=(name, content)).id

    def _run(self, container: str, command: str) -> bytes:
        path = f"/containers/{container}/shell_calls"
        return output(self._client.post(path, cast_to=object, body={"commands": [command]}))
