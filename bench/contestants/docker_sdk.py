"""Docker's SDK for Python: create, start, exec_run, put_archive, get_archive."""

from __future__ import annotations

import io
import tarfile
from functools import partial
from typing import Self

import docker
from docker.models.containers import Container

from bench.contestants.base import HOME, Look, Remove, RunsCommands, Upload
from bench.contestants.docker_options import IDLE, SDK


class DockerSdk(RunsCommands):
    """A container. Packing and unpacking of archives is not part of an upload or download."""

    name = "docker SDK"

    def __init__(self, image: str) -> None:
        self._engine = docker.from_env()
        self._image = image
        self._container: Container

    def __enter__(self) -> Self:
        self._container = self._create()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            _remove(self._container)
        finally:
            self._engine.close()

    def first_output(self, command: str) -> tuple[bytes, Remove]:
        """See MakesSandboxes."""
        container = self._create()
        return _run(container, command), partial(_remove, container)

    def run(self, command: str) -> bytes:
        """See RunsCommands."""
        return _run(self._container, command)

    def upload(self, name: str, content: bytes) -> Upload:
        """See KeepsFiles."""
        return partial(self._put, pack(name, content))

    def download(self, name: str) -> Look:
        """See KeepsFiles."""
        pieces, _ = self._container.get_archive(f"{HOME}/{name}")
        return partial(unpack, list(pieces))

    def _create(self) -> Container:
        container = self._engine.containers.create(self._image, list(IDLE), **SDK)
        container.start()
        return container

    def _put(self, archive: bytes) -> None:
        if not self._container.put_archive(HOME, archive):
            raise ValueError("The archive was refused.")


def pack(name: str, content: bytes) -> bytes:
    """An archive of one file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def unpack(pieces: list[bytes]) -> bytes:
    """The file in an archive of one file."""
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
        file = archive.extractfile(archive.getmembers()[0])
        if file is None:
            raise ValueError("The archive holds no file.")
        return file.read()


def _run(container: Container, command: str) -> bytes:
    code, output = container.exec_run(["sh", "-c", command])
    if code != 0 or not isinstance(output, bytes):
        raise ValueError(f"The command failed with {code}: {output!r}")
    return output


def _remove(container: Container) -> None:
    container.remove(force=True, v=True)
