"""Services of the benchmarks' own, which leave nothing behind, and what they have on the engine."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import docker

from runtime.sandboxes import INSTANCE_LABEL
from tests.service import Service, wait_until

NO_POOL = {"POOL_SIZE": "0"}
FILL_SECONDS = 120.0
SETTLE_SECONDS = 0.5  # from being on the engine to being ready: the agent has to start


def pool_of(size: int) -> Mapping[str, str]:
    """The settings for a pool of that size, whatever the demand."""
    return {"POOL_SIZE": str(size), "POOL_MAX_SIZE": str(size)}


@contextmanager
def serving(data_dir: Path, settings: Mapping[str, str]) -> Iterator[Service]:
    """A service, and at the end none, nor any of its sandboxes, however many they are and whatever has happened."""
    data_dir.mkdir(exist_ok=True)
    service = Service(data_dir, settings)
    service.start()
    try:
        yield service
    finally:
        try:
            service.stop()
        finally:
            service.clear_engine()


def sandboxes(service: Service) -> Mapping[str, str]:
    """The service's sandboxes that run, ready ones included: by name the ids that the engine gives them."""
    with closing(docker.from_env()) as engine:
        filters = {"label": f"{INSTANCE_LABEL}={service.instance}", "status": "running"}
        found = engine.api.containers(filters=filters)
        return {entry["Names"][0].removeprefix("/"): entry["Id"] for entry in found}


def wait_until_ready(service: Service, count: int) -> None:
    """Return once a service has as many sandboxes ready for containers to come, and has removed all deleted ones."""
    service.engine_containers()
    if len(service.ready()) < count:
        wait_until(lambda: len(service.ready()) >= count, FILL_SECONDS, f"There are no {count} sandboxes ready")
        time.sleep(SETTLE_SECONDS)
