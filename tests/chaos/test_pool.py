"""A pool whose service, or whose sandboxes, end at any time."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import docker
import httpx
import pytest

from tests.chaos.containers import running, try_to_create
from tests.envelope import refusal
from tests.service import SETTLED_SECONDS, Service, wait_until
from tests.shell import stdout

SIZE = 3
JOINED = "sandboxes that were started ahead by the last run are ready"


@pytest.fixture(scope="module")
def pooled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A running service with a pool that doesn't grow. A test that ends it starts it again."""
    settings = {"POOL_SIZE": str(SIZE), "POOL_MAX_SIZE": str(SIZE)}
    with Service(tmp_path_factory.mktemp("pooled"), settings) as running:
        yield running


@pytest.fixture
def client_of(pooled: Service) -> Iterator[httpx.Client]:
    """A client of it."""
    with pooled.http() as connected:
        yield connected


def wait_until_full(service: Service) -> list[str]:
    """Wait until as many are ready as there should be; their names."""
    wait_until(lambda: len(service.ready()) == SIZE, SETTLED_SECONDS, "The pool is not filled")
    return sorted(service.ready())


def made(http: httpx.Client) -> str:
    """The id of a new container, in which something can be run."""
    container_id = str(http.post("/containers", json={"name": "x"}).raise_for_status().json()["id"])
    assert stdout(http, container_id, "echo alive") == "alive\n"
    return container_id


@pytest.mark.parametrize("round_", range(2))
def test_killed_during_creates(pooled: Service, client_of: httpx.Client, round_: int) -> None:
    """kill -9 at any moment of creates: each answer holds, no id is given twice, nothing else stays; the pool fills."""
    wait_until_full(pooled)
    before = set(running(client_of))
    delay = random.uniform(0, 0.5)  # noqa: S311 - any moment will do
    print(f"killed after {delay:.3f} s")
    with ThreadPoolExecutor() as threads:
        creates = [threads.submit(try_to_create, client_of) for _ in range(2 * SIZE)]
        time.sleep(delay)
        pooled.kill()
    answered = [container_id for create in creates if (container_id := create.result())]
    assert len(set(answered)) == len(answered)
    pooled.start()
    there = set(running(client_of))
    assert before | set(answered) <= there
    for container_id in there - before:
        assert stdout(client_of, container_id, "hostname; ls -A") == "sandbox\n"
    assert there.isdisjoint(wait_until_full(pooled))
    wait_until(lambda: len(pooled.on_engine()) == len(there) + SIZE, SETTLED_SECONDS, "The engine has orphans")
    pooled.delete_containers()


def test_ready_ones_that_are_removed(pooled: Service, client_of: httpx.Client) -> None:
    """When the engine loses all that are ready, creates go on, and the pool is filled again."""
    lost = wait_until_full(pooled)
    with closing(docker.from_env()) as engine:
        for name in lost:
            engine.api.remove_container(name, force=True)
    ids = [made(client_of) for _ in range(SIZE)]
    assert not set(ids) & set(lost)
    assert not set(wait_until_full(pooled)) & set(lost)
    pooled.delete_containers()


def test_a_restart_finds_it_warm(pooled: Service, client_of: httpx.Client) -> None:
    """SIGTERM leaves what is ready as it is, and the next start has it ready again, without starting any."""
    names = wait_until_full(pooled)
    assert pooled.stop() == 0
    assert sorted(pooled.ready()) == names
    joined = pooled.log.read_text().count(JOINED)
    pooled.start()
    wait_until(lambda: pooled.log.read_text().count(JOINED) > joined, 30, "They are not found again")
    assert sorted(pooled.ready()) == names
    assert made(client_of) in names
    pooled.delete_containers()


def test_ended_while_it_is_filled(pooled: Service, client_of: httpx.Client) -> None:
    """SIGTERM while sandboxes are started ahead ends the service with code 0, and the next start fills the pool."""
    wait_until_full(pooled)
    made(client_of)
    wait_until(lambda: len(pooled.on_engine()) == SIZE + 1, SETTLED_SECONDS, "None is started in its place")
    assert pooled.stop() == 0
    pooled.start()
    wait_until_full(pooled)
    pooled.delete_containers()
    wait_until_full(pooled)


def test_killed_right_after_a_delete(pooled: Service, client_of: httpx.Client) -> None:
    """A delete that was answered holds, kill -9 or not: after the next start there is nothing of the container."""
    wait_until_full(pooled)
    ids = [made(client_of) for _ in range(SIZE)]
    for container_id in ids:
        client_of.delete(f"/containers/{container_id}").raise_for_status()
    pooled.kill()
    pooled.start()
    for container_id in ids:
        refusal(client_of.get(f"/containers/{container_id}"), 404)
    assert pooled.engine_containers() == []
    assert not set(ids) & set(wait_until_full(pooled))
