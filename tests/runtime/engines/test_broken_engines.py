"""Engines that can't be reached, stall, or answer nonsense: one error for all of it, in time."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from runtime.engines import docker as docker_module
from runtime.engines.base import SandboxSpec
from runtime.engines.docker import DockerEngine
from runtime.errors import EngineUnavailable
from tests.runtime.engines.fake_engine import broken_engine

CALLS: dict[str, Callable[[DockerEngine], Awaitable[object]]] = {
    "check": lambda engine: engine.check("a"),
    "create": lambda engine: engine.create(SandboxSpec("a", "b", ("c",), 2**30)),
    "fingerprint": lambda engine: engine.fingerprint("a"),
    "unpack": lambda engine: engine.unpack("a", Path("/etc/hostname")),
    "attach": lambda engine: engine.attach("a"),
    "update": lambda engine: engine.update("a", 2**30),
    "destroy": lambda engine: engine.destroy("a"),
    "list": lambda engine: engine.list({"a": "b"}),
}

ANSWERS = {
    "silence": None,
    "a failure": b'HTTP/1.1 500 Oh\r\nContent-Length: 17\r\n\r\n{"message":"bad"}',
    "an empty failure": b"HTTP/1.1 503 Oh\r\nContent-Length: 0\r\n\r\n",
    "garbage": b"\x00\x01\x02 garbage\r\n\r\n",
    "nothing": b"",
    "half an answer": b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[{"Names',
    "no JSON": b"HTTP/1.1 500 OK\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{",
}


LARGER_THAN_ANY_BUFFER = 64 * 2**20

# Docker's SDK leaves a socket that couldn't be connected to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(docker_module, "CALL_SECONDS", 0.5)
    yield
    gc.collect()


@pytest.mark.parametrize("answer", ANSWERS)
async def test_calls(answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call fails in the same way, and none takes longer than its deadline."""
    async with broken_engine(tmp_path / "engine.sock", ANSWERS[answer]) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        engine = await DockerEngine.connect(runtime=None, cpus=1)
        for call in CALLS.values():
            with pytest.raises(EngineUnavailable):
                await call(engine)
        await engine.aclose()


@pytest.mark.parametrize("answer", ANSWERS)
async def test_unpacking(answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that makes a sandbox, and then fails to take its files, fails in the same way and in the same time."""
    tar = tmp_path / "files.tar"
    with tar.open("wb") as file:
        file.truncate(LARGER_THAN_ANY_BUFFER)
    async with broken_engine(tmp_path / "engine.sock", ANSWERS[answer], "/containers/create") as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        engine = await DockerEngine.connect(runtime=None, cpus=1)
        with pytest.raises(EngineUnavailable):
            await engine.create(SandboxSpec("a", "b", ("c",), 2**30, files=tar))
        await engine.aclose()


@pytest.mark.parametrize(
    "address", ["unix:///nonexistent/engine.sock", "tcp://127.0.0.1:1", "nonsense://", "unix:///etc/passwd"]
)
async def test_no_engine(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that isn't there is said to be so at once."""
    monkeypatch.setenv("DOCKER_HOST", address)
    with pytest.raises(EngineUnavailable):
        await DockerEngine.connect(runtime=None, cpus=1)


async def test_an_engine_that_accepts_and_is_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connecting has a deadline too."""
    path = tmp_path / "engine.sock"
    held = []
    server = await asyncio.start_unix_server(lambda *ends: held.append(ends), path)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    with pytest.raises(EngineUnavailable):
        await DockerEngine.connect(runtime=None, cpus=1)
    server.close()
    for _, writer in held:
        writer.close()
