"""LLM Sandbox (`llm-sandbox`), with its Docker backend."""

from __future__ import annotations

import shlex
import tarfile
from functools import partial
from pathlib import Path
from typing import Any, Self

import docker
from llm_sandbox import SandboxSession

from bench.contestants.base import HOME, Look, Remove, RunsCommands, Upload
from bench.contestants.docker_options import SDK

OPTIONS: dict[str, Any] = {
    "lang": "python",
    "workdir": HOME,
    "skip_environment_setup": True,  # or each sandbox would first make a virtual environment: 7 s
    "runtime_configs": {**SDK, "stop_signal": "SIGKILL"},  # or closing would wait for the shell: 10 s
}

GIVES_FILES = hasattr(tarfile, "data_filter")
"""Whether it copies files out: not with a Python that lacks this, as 3.11 does before 3.11.4, Debian 12's too."""


class LlmSandbox(RunsCommands):
    """A session. Files come from `folder` and go there: it copies between files."""

    name = "llm-sandbox"

    def __init__(self, image: str, folder: Path) -> None:
        self._engine = docker.from_env()
        self._image = image
        self._folder = folder
        self._session: Any

    def __enter__(self) -> Self:
        self._session = self._open()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._session.close()
        finally:
            self._engine.close()

    def first_output(self, command: str) -> tuple[bytes, Remove]:
        """See MakesSandboxes."""
        session = self._open()
        return run(session, command), session.close

    def run(self, command: str) -> bytes:
        """See RunsCommands."""
        return run(self._session, command)

    def upload(self, name: str, content: bytes) -> Upload:
        """See KeepsFiles."""
        source = self._folder / f"in-{name}"
        source.write_bytes(content)
        return partial(self._session.copy_to_runtime, str(source), f"{HOME}/{name}")

    def download(self, name: str) -> Look:
        """See KeepsFiles."""
        target = self._folder / f"out-{name}"
        self._session.copy_from_runtime(f"{HOME}/{name}", str(target))
        return target.read_bytes

    def _open(self) -> Any:
        session = SandboxSession(client=self._engine, image=self._image, **OPTIONS)
        session.open()
        return session


def run(session: Any, command: str) -> bytes:
    """The standard output of a shell command in a session."""
    result = session.execute_command(shlex.join(["sh", "-c", command]), workdir=HOME)
    if result.exit_code != 0:
        raise ValueError(f"The command failed: {result}")
    return str(result.stdout).encode()
