from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import openai
import pytest
from openai.types import ContainerCreateResponse

from tests.memory import MIB, growth
from tests.service import Service

SIZE = 100 * MIB
HUGE = 500 * MIB
ALLOWED = 64 * MIB


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 MiB that can't be compressed."""
    path = tmp_path_factory.mktemp("large") / "large.bin"
    with path.open("wb") as file:
        for _ in range(SIZE // MIB):
            file.write(os.urandom(MIB))
    return path


@pytest.fixture
def huge_file(tmp_path: Path) -> Iterator[Path]:
    """500 MiB, no two of which are the same; gone after the test."""
    path = tmp_path / "huge.bin"
    same = os.urandom(MIB - 8)
    with path.open("wb") as file:
        for number in range(HUGE // MIB):
            file.write(number.to_bytes(8) + same)
    yield path
    path.unlink()


def test_a_large_file_streams_both_ways(
    service: Service, client: openai.OpenAI, container: ContainerCreateResponse, large_file: Path, tmp_path: Path
) -> None:
    """100 MiB go up and down byte for byte, and the service never holds them in memory."""
    with growth(service.pid, "100 MiB up and down") as grown:
        with large_file.open("rb") as file:
            uploaded = client.containers.files.create(container.id, file=file)
        assert uploaded.bytes == SIZE
        contents = client.containers.files.content.with_streaming_response
        with contents.retrieve(uploaded.id, container_id=container.id) as response:
            response.stream_to_file(tmp_path / "back.bin")
    assert checksum(tmp_path / "back.bin") == checksum(large_file)
    assert grown() < ALLOWED


def checksum(path: Path) -> str:
    """The SHA-256 of a file."""
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(MIB):
            digest.update(piece)
    return digest.hexdigest()


def test_half_a_gigabyte(service: Service, client: openai.OpenAI, huge_file: Path) -> None:
    """500 MiB go up to `/v1/files` and down byte for byte, and the service's memory grows by less than 64 MiB."""
    with growth(service.pid, "500 MiB up and down") as grown:
        with huge_file.open("rb") as file:
            made = client.files.create(file=file, purpose="user_data")
        assert made.bytes == HUGE
        with client.files.with_streaming_response.content(made.id) as response, huge_file.open("rb") as file:
            assert all(piece == file.read(len(piece)) for piece in response.iter_bytes(MIB))
            assert file.tell() == HUGE
    client.files.delete(made.id)
    assert grown() < ALLOWED
