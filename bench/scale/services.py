"""Services of the benchmarks' own, which leave nothing behind, and what they have on the engine."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import docker
from docker.errors import APIError

from runtime.sandboxes import INSTANCE_LABEL
from tests.service import Service, wait_until

NO_POOL = {"POOL_SIZE": "0"}
REMOVALS_AT_ONCE = 4
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
            _remove_sandboxes(service)


def sandboxes(service: Service) -> Mapping[str, str]:
    """The service's sandboxes that run, ready ones included: by name the ids that the engine gives them."""
    with closing(docker.from_env()) as engine:
        filters = {"label": f"{INSTANCE_LABEL}={service.instance}", "status": "running"}
        found = engine.api.containers(filters=filters)
        return {entry["Names"][0].removeprefix("/"): entry["Id"] for entry in found}


def wait_until_full(service: Service, count: int, gone: Collection[str] = ()) -> None:
    """Return once `count` sandboxes run, those in use included, all are ready, and those of some names are gone."""

    def is_full() -> bool:
        running = sandboxes(service).keys()
        return len(running) >= count and running.isdisjoint(gone)

    wait_until(is_full, FILL_SECONDS, f"There are no {count} sandboxes")
    time.sleep(SETTLE_SECONDS)


def _remove_sandboxes(service: Service) -> None:
    """Remove whatever the engine has of a service that has ended."""
    with closing(docker.from_env()) as engine, ThreadPoolExecutor(REMOVALS_AT_ONCE) as threads:
        found = engine.api.containers(all=True, filters={"label": f"{INSTANCE_LABEL}={service.instance}"})

        def remove(entry: Mapping[str, str]) -> None:
            with suppress(APIError):  # it is being removed already
                engine.api.remove_container(entry["Id"], v=True, force=True)

        list(threads.map(remove, found))
