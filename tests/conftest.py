"""What tests share: how long they look for faults; one service, its clients, and a container."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

import httpx
import hypothesis
import openai
import pytest
from openai.types import ContainerCreateResponse

from tests.service import Service

# Property tests look for faults briefly, unless there is `--hypothesis-profile=fuzz`.
hypothesis.settings.register_profile("default", deadline=None, max_examples=100)
hypothesis.settings.register_profile("fuzz", deadline=None, max_examples=2_000)
hypothesis.settings.load_profile("default")


@pytest.fixture(scope="session")
def fuzz_seconds() -> float:
    """How long one fuzzer runs: briefly, unless FUZZ_SECONDS says otherwise."""
    return float(os.environ.get("FUZZ_SECONDS", "2"))


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A running service with a small pool; at the end nothing of it is left on the engine."""
    with Service(tmp_path_factory.mktemp("service"), {"POOL_SIZE": "2"}) as running:
        yield running


@pytest.fixture(scope="session")
def client(service: Service) -> Iterator[openai.OpenAI]:
    """The official client, pointed at the service. It repeats nothing by itself, so that tests see every answer."""
    with openai.OpenAI(base_url=service.base_url, api_key=service.api_key, max_retries=0) as connected:
        yield connected


@pytest.fixture(scope="session")
def http(service: Service) -> Iterator[httpx.Client]:
    """A plain HTTP client with the service's key; paths are relative to /v1."""
    with service.http() as connected:
        yield connected


@pytest.fixture
def container(client: openai.OpenAI) -> Iterator[ContainerCreateResponse]:
    """A container for one test; deleted afterwards, whether or not the test has deleted it."""
    created = client.containers.create(name="test")
    yield created
    with suppress(openai.NotFoundError):
        client.containers.delete(created.id)


@pytest.fixture(scope="module")
def shared(http: httpx.Client) -> Iterator[str]:
    """The id of one container for all tests of a module that leave no trace in it."""
    container_id = str(http.post("/containers", json={"name": "shared"}).raise_for_status().json()["id"])
    yield container_id
    http.delete(f"/containers/{container_id}").raise_for_status()
