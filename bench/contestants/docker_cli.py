"""Docker's command line: `docker run`, `docker exec`, `docker cp`."""

from __future__ import annotations

import subprocess
import uuid
from functools import partial
from pathlib import Path
from typing import Self

from bench.contestants.base import HOME, Look, Remove, RunsCommands, Upload
from bench.contestants.docker_options import CLI, IDLE


class DockerCli(RunsCommands):
    """A container. Files come from `folder` and go there: `docker cp` copies between files."""

    name = "docker CLI"

    def __init__(self, image: str, folder: Path) -> None:
        self._image = image
        self._folder = folder
        self._container = ""

    def __enter__(self) -> Self:
        self._container = _docker("run", "--detach", *CLI, self._image, *IDLE).decode().strip()
        return self

    def __exit__(self, *_: object) -> None:
        _remove(self._container)

    def first_output(self, command: str) -> tuple[bytes, Remove]:
        """See MakesSandboxes."""
        name = f"sandlot-bench-{uuid.uuid4().hex}"
        return _docker("run", "--name", name, *CLI, self._image, "sh", "-c", command), partial(_remove, name)

    def run(self, command: str) -> bytes:
        """See RunsCommands."""
        return _docker("exec", self._container, "sh", "-c", command)

    def upload(self, name: str, content: bytes) -> Upload:
        """See KeepsFiles."""
        source = self._folder / f"in-{name}"
        source.write_bytes(content)
        return partial(self._copy, str(source), f"{self._container}:{HOME}/{name}")

    def download(self, name: str) -> Look:
        """See KeepsFiles."""
        target = self._folder / f"out-{name}"
        self._copy(f"{self._container}:{HOME}/{name}", str(target))
        return target.read_bytes

    def _copy(self, source: str, target: str) -> None:
        _docker("cp", source, target)


def _docker(*arguments: str) -> bytes:
    return subprocess.run(["docker", *arguments], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout


def _remove(container: str) -> None:
    _docker("rm", "--force", "--volumes", container)
