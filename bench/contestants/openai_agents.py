"""The Docker sandbox client of OpenAI's Agents SDK (`openai-agents`)."""

from __future__ import annotations

import asyncio
import io
from functools import partial
from pathlib import Path
from typing import Any, Self

import docker
from agents.sandbox import Manifest
from agents.sandbox.sandboxes.docker import DockerSandboxClient, DockerSandboxClientOptions

from bench.contestants.base import HOME, Look, Remove, RunsCommands, Upload
from bench.contestants.docker_options import LABELS


class OpenAIAgents(RunsCommands):
    """A session. Its client takes no limits, and no user but the image's; network and workspace are as elsewhere."""

    name = "openai-agents"

    def __init__(self, image: str) -> None:
        self._engine = docker.from_env()
        self._client = DockerSandboxClient(self._engine)
        self._options = DockerSandboxClientOptions(image, network_mode="none", labels=LABELS)
        self._runner = asyncio.Runner()
        self._session: Any

    def __enter__(self) -> Self:
        self._session = self._runner.run(self._create())
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._remove(self._session)
        finally:
            self._runner.close()
            self._engine.close()

    def first_output(self, command: str) -> tuple[bytes, Remove]:
        """See MakesSandboxes."""
        session, output = self._runner.run(self._created_and_run(command))
        return output, partial(self._remove, session)

    def run(self, command: str) -> bytes:
        """See RunsCommands."""
        return self._runner.run(_run(self._session, command))

    def upload(self, name: str, content: bytes) -> Upload:
        """See KeepsFiles."""
        return lambda: self._runner.run(self._session.write(Path(HOME, name), io.BytesIO(content)))

    def download(self, name: str) -> Look:
        """See KeepsFiles."""
        file: io.BytesIO = self._runner.run(self._session.read(Path(HOME, name)))
        return file.getvalue

    async def _create(self) -> Any:
        session = await self._client.create(manifest=Manifest(root=HOME), options=self._options)
        await session.start()
        return session

    async def _created_and_run(self, command: str) -> tuple[Any, bytes]:
        session = await self._create()
        return session, await _run(session, command)

    def _remove(self, session: Any) -> None:
        """By the engine: the client itself waits ten seconds for a program to end that takes no notice of SIGTERM."""
        self._engine.api.remove_container(session.state.container_id, force=True, v=True)


async def _run(session: Any, command: str) -> bytes:
    result = await session.exec(command)
    if not result.ok():
        raise ValueError(f"The command failed with {result.exit_code}: {result.stderr!r}")
    output: bytes = result.stdout
    return output
