"""SWE-ReX (`swe-rex`), with its Docker deployment: a server in the sandbox, reached by a published port."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Self

from swerex.deployment.docker import DockerDeployment
from swerex.runtime.abstract import Command, ReadFileRequest, UploadRequest

from bench.contestants.base import HOME, Look, Remove, RunsCommands, Upload
from bench.contestants.docker_options import LIMITS

IMAGE = "sandlot/swe-rex:latest"
"""The sandbox image with its server in it; see bench/images/swe-rex."""

for logger in ("rex-deploy", "rex-runtime", "free_port"):
    logging.getLogger(logger).addHandler(logging.NullHandler())  # or it would write down, in colour, all that it does


class SweRex(RunsCommands):
    """A deployment. Its server needs a network; the limits are as elsewhere. Files are text, and come from `folder`."""

    name = "swe-rex"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runner = asyncio.Runner()
        self._deployment: DockerDeployment

    def __enter__(self) -> Self:
        self._deployment = self._wait(_start())
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._wait(self._deployment.stop())  # type: ignore[no-untyped-call]
        finally:
            self._runner.close()

    def first_output(self, command: str) -> tuple[bytes, Remove]:
        """See MakesSandboxes."""
        deployment = self._wait(_start())
        return self._wait(_run(deployment, command)), lambda: self._wait(deployment.stop())

    def run(self, command: str) -> bytes:
        """See RunsCommands."""
        output: bytes = self._wait(_run(self._deployment, command))
        return output

    def upload(self, name: str, content: bytes) -> Upload:
        """See KeepsFiles."""
        source = self._folder / f"in-{name}"
        source.write_bytes(content)
        request = UploadRequest(source_path=str(source), target_path=f"{HOME}/{name}")
        return lambda: self._wait(self._deployment.runtime.upload(request))

    def download(self, name: str) -> Look:
        """See KeepsFiles."""
        request = ReadFileRequest(path=f"{HOME}/{name}")
        content: str = self._wait(self._deployment.runtime.read_file(request)).content
        return content.encode

    def _wait(self, call: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(call)


async def _start() -> DockerDeployment:
    deployment = DockerDeployment(image=IMAGE, pull="never", docker_args=[*LIMITS])
    await deployment.start()  # type: ignore[no-untyped-call]
    return deployment


async def _run(deployment: DockerDeployment, command: str) -> bytes:
    result = await deployment.runtime.execute(Command(command=command, shell=True, cwd=HOME))  # noqa: S604 - in the sandbox
    if result.exit_code != 0:
        raise ValueError(f"The command failed: {result}")
    output: str = result.stdout
    return output.encode()
