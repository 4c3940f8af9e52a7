from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import openai
import pytest
from openai.types import ContainerCreateResponse

from tests.memory import MIB, growth
from tests.service import Service

SIZE = 100 * MIB
ALLOWED = 64 * MIB


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 MiB that can't be compressed."""
    path = tmp_path_factory.mktemp("large") / "large.bin"
    with path.open("wb") as file:
        for _ in range(SIZE // MIB):
            file.write(os.urandom(MIB))
    return path


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
