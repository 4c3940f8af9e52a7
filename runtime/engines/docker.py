"""Sandboxes on a Docker engine, through its SDK. Blocking calls run on threads of their own."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self, TypeVar

import docker
import psutil
import requests
from docker.errors import APIError, DockerException, ImageNotFound
from docker.errors import NotFound as NoSuchContainer
from docker.utils import kwargs_from_env

from runtime.engines.attach_stream import AttachStream
from runtime.engines.base import Handle, SandboxSpec
from runtime.engines.confinement import container_settings
from runtime.engines.daemon_threads import DaemonThreads
from runtime.engines.meeting_point import LocalMeetingPoint
from runtime.errors import EngineMisconfigured, EngineUnavailable, NotFound

T = TypeVar("T")

CALL_SECONDS = 60  # the longest a call may take; a start takes 0.2 s on an idle machine
THREADS = 8

ADAPTABLE = frozenset({"runc", "crun"})
"""Programs of OCI runtimes whose running containers can be changed. With runsc they can't, of others it isn't known."""

RUNS = frozenset({"running", "paused"})
"""States in which a container has its processes. An engine pauses one while an image is made of it, for example."""


class DockerEngine:
    """Implements runtime.engines.base.Engine."""

    def __init__(self, client: docker.APIClient, runtime: str | None, cpus: float, *, adaptable: bool) -> None:
        self.adaptable = adaptable
        self._client = client
        self._runtime = runtime
        self._cpus = cpus
        self._local = client.base_url.startswith("http+docker:")  # SDK's word for a Unix socket
        self._threads = DaemonThreads(THREADS, "docker")

    @classmethod
    async def connect(cls, *, runtime: str | None, cpus: float) -> Self:
        """Connect to the engine that the Docker environment variables name, or else to the local one.

        `runtime` is the OCI runtime (`runc`, `runsc`, ...), None for the engine's default.
        """

        def connect() -> tuple[docker.APIClient, bool]:
            settings = kwargs_from_env(os.environ)
            client = docker.APIClient(version="auto", timeout=CALL_SECONDS, max_pool_size=THREADS, **settings)
            return client, _program_of(client.info(), runtime) in ADAPTABLE

        try:
            async with asyncio.timeout(CALL_SECONDS):
                client, adaptable = await DaemonThreads(1, "docker").run(connect)
                return cls(client, runtime, cpus, adaptable=adaptable)
        except (DockerException, requests.RequestException, TimeoutError) as error:
            raise EngineUnavailable(f"The Docker engine doesn't answer: {error}") from error

    async def check(self, image: str) -> None:
        """See Engine."""
        info = await self._call(self._client.info)
        if self._cpus > (cpus := info.get("NCPU", self._cpus)):
            raise EngineMisconfigured(f"The engine has {cpus} CPUs, not {self._cpus:g}. See SANDLOT_CPUS.")
        known = info.get("Runtimes", {})
        # One with a point or a slash is the name or the path of a shim, which the engine doesn't list.
        if self._runtime and self._runtime not in known and not {".", "/"}.intersection(self._runtime):
            names = ", ".join(sorted(known))
            raise EngineMisconfigured(
                f"The engine has no OCI runtime {self._runtime!r} but {names}. See SANDLOT_ENGINE_RUNTIME."
            )
        if await self.fingerprint(image) is None:
            raise EngineMisconfigured(f"The engine has no image {image!r}. Build or pull it, or see SANDLOT_IMAGE.")

    def free_memory(self) -> int | None:
        """See Engine."""
        return psutil.virtual_memory().available if self._local else None

    async def fingerprint(self, image: str) -> str | None:
        """See Engine."""
        try:
            found = await self._call(partial(self._client.inspect_image, image))
        except ImageNotFound:
            return None
        return json.dumps(self._settings(SandboxSpec("", found["Id"], (), 0)), sort_keys=True)

    def _settings(self, spec: SandboxSpec) -> dict[str, Any]:
        return container_settings(self._client, spec, self._runtime, self._cpus)

    async def create(self, spec: SandboxSpec) -> None:
        """See Engine."""

        def create() -> None:
            self._client.create_container(name=spec.name, **self._settings(spec))
            if spec.files is not None:
                self._unpack(spec.name, spec.files)
            self._client.start(spec.name)

        try:
            await self._call(create)
        except ImageNotFound:
            await self.check(spec.image)
            raise EngineUnavailable(f"The engine had no image {spec.image!r} a moment ago.") from None
        except NoSuchContainer as error:
            raise EngineUnavailable(f"The sandbox {spec.name} was removed while it was made.") from error
        except EngineUnavailable as error:
            if isinstance(error.__cause__, APIError) and error.__cause__.is_client_error():
                await self.check(spec.image)
            raise

    async def attach(self, name: str) -> AttachStream:
        """See Engine."""
        sock, already_read = await self._found(partial(self._attach, name), name)
        return await AttachStream.attached(name, sock, already_read)

    def _attach(self, name: str) -> tuple[socket.socket, bytes]:
        if not self._client.inspect_container(name)["State"]["Running"]:
            raise NotFound(f"The sandbox {name} isn't running.")
        params = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        reader: Any = self._client.attach_socket(name, params)
        return _take_socket(reader)

    async def meet(self, name: str) -> LocalMeetingPoint | None:
        """See Engine."""
        if not self._local:
            return None
        found = await self._found(partial(self._client.inspect_container, name), name)
        return await LocalMeetingPoint.open(name, found["State"]["Pid"])

    async def update(self, name: str, memory: int) -> None:
        """See Engine."""
        await self._found(partial(self._client.update_container, name, mem_limit=memory, memswap_limit=memory), name)

    async def unpack(self, name: str, files: Path) -> None:
        """See Engine."""
        await self._found(partial(self._unpack, name, files), name)

    def _unpack(self, name: str, files: Path) -> None:
        with files.open("rb") as tar:
            self._client.put_archive(name, "/", tar)

    async def destroy(self, name: str) -> None:
        """See Engine."""

        def remove() -> None:
            try:
                self._client.remove_container(name, v=True, force=True)
            except APIError as error:
                if error.status_code != HTTPStatus.CONFLICT:
                    raise
                # Somebody else is at it: gone is gone only when they are through.
                self._client.wait(name, timeout=CALL_SECONDS, condition="removed")

        with suppress(NoSuchContainer):
            await self._call(remove)

    async def list(self, labels: Mapping[str, str]) -> Sequence[Handle]:
        """See Engine."""
        filters = {"label": [f"{key}={value}" for key, value in labels.items()]}
        found = await self._call(partial(self._client.containers, all=True, filters=filters))
        return [
            Handle(entry["Names"][0].removeprefix("/"), entry["State"] in RUNS) for entry in found if entry["Names"]
        ]

    async def aclose(self) -> None:
        """See Engine."""
        self._client.close()

    async def _found(self, call: Callable[[], T], name: str) -> T:
        try:
            return await self._call(call)
        except NoSuchContainer as error:
            raise NotFound(f"The engine has no sandbox {name}.") from error

    async def _call(self, call: Callable[[], T]) -> T:
        """Run a blocking call on a thread, within the deadline. A 404 is left to the caller."""
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await self._threads.run(call)
        except NoSuchContainer:
            raise
        except (DockerException, requests.RequestException, TimeoutError, OSError) as error:
            raise EngineUnavailable(f"The container engine failed: {error}") from error


def _program_of(info: Mapping[str, Any], runtime: str | None) -> str:
    """The name of the program behind an OCI runtime, by what the engine tells of itself; an empty one if not known."""
    path: str = info.get("Runtimes", {}).get(runtime or info.get("DefaultRuntime"), {}).get("path", "")
    return os.path.basename(path)


def _take_socket(reader: Any) -> tuple[socket.socket, bytes]:
    """The socket behind the SDK's reader, and the bytes that a buffered reader above it has read already.

    Without these the stream would begin in the middle of one of Docker's chunks.
    """
    sock: socket.socket = reader._sock
    sock.setblocking(False)
    response = reader._response
    buffered: bytes = response.raw._fp.fp.peek()
    duplicate = sock.dup()
    response.close()
    return duplicate, buffered
