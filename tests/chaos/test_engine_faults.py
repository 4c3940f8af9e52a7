"""An engine that doesn't answer, or answers with an error."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import httpx
import pytest

from tests.expiry import SWEPT_SECONDS, has_expired, make_due
from tests.faulty_engine import CREATES, REMOVALS, FaultyEngine
from tests.service import SETTLED_SECONDS, Service, wait_until
from tests.shell import stdout


@pytest.fixture(scope="module")
def path_to_engine() -> Iterator[FaultyEngine]:
    """A way to the engine, at fault when a test says so."""
    with FaultyEngine() as running:
        yield running


@pytest.fixture
def engine(path_to_engine: FaultyEngine) -> Iterator[FaultyEngine]:
    """The same; mended after the test."""
    yield path_to_engine
    path_to_engine.mend()


@pytest.fixture(scope="module")
def dependent(tmp_path_factory: pytest.TempPathFactory, path_to_engine: FaultyEngine) -> Iterator[Service]:
    """A service on that engine, without a pool."""
    with Service(tmp_path_factory.mktemp("dependent"), engine=path_to_engine.address) as running:
        yield running
        path_to_engine.mend()


@pytest.fixture
def client_of(dependent: Service) -> Iterator[httpx.Client]:
    """A client of it."""
    with dependent.http() as connected:
        yield connected


def made(http: httpx.Client) -> str:
    """The id of a new container."""
    return str(http.post("/containers", json={"name": "x"}).raise_for_status().json()["id"])


def test_one_that_can_not_be_removed(dependent: Service, client_of: httpx.Client, engine: FaultyEngine) -> None:
    """A container that the engine can't remove keeps no service from starting, and no other from being removed."""
    stuck, other = made(client_of), made(client_of)
    engine.fail(REMOVALS)
    for container_id in (stuck, other):
        client_of.delete(f"/containers/{container_id}").raise_for_status()
    dependent.stop()
    engine.fail(f"{REMOVALS}{stuck}")
    dependent.start()
    wait_until(lambda: list(dependent.on_engine()) == [stuck], SETTLED_SECONDS, "The other is not removed")
    engine.mend()
    dependent.restart()
    wait_until(lambda: not dependent.on_engine(), SETTLED_SECONDS, "It is not tried again")


def test_expiry_waits_for_no_engine(dependent: Service, client_of: httpx.Client, engine: FaultyEngine) -> None:
    """With an engine that doesn't answer, containers expire all the same; what is left of them goes later."""
    ids = [made(client_of) for _ in range(3)]
    engine.stall(REMOVALS)
    for container_id in ids:
        make_due(dependent, container_id)
    for container_id in ids:
        wait_until(partial(has_expired, client_of, container_id), SWEPT_SECONDS, "It does not expire")
    assert sorted(dependent.on_engine()) == sorted(ids)
    engine.mend()
    wait_until(lambda: not dependent.on_engine(), SETTLED_SECONDS, "They are not removed")
    dependent.delete_containers()


def test_clients_that_left_a_create(dependent: Service, client_of: httpx.Client, engine: FaultyEngine) -> None:
    """What a create would make is given up once its client has left, whether it is being started or waits for that."""
    engine.stall(CREATES)
    with ThreadPoolExecutor(8) as threads:
        for _ in range(8):
            threads.submit(leave_a_create, dependent)
    wait_until(lambda: dependent.log.read_text().count(' "POST /v1/containers" 499 ') == 8, 30, "It is not noticed")
    engine.mend()
    assert stdout(client_of, made(client_of), "echo alive") == "alive\n"
    assert len(client_of.get("/containers").json()["data"]) == 1
    wait_until(lambda: len(dependent.on_engine()) == 1, SETTLED_SECONDS, "Something is left of them")
    dependent.delete_containers()


def leave_a_create(service: Service) -> None:
    """Ask for a container, and hang up."""
    with service.http() as http, suppress(httpx.ReadTimeout):
        http.post("/containers", json={"name": "left"}, timeout=httpx.Timeout(10, read=1))


def test_the_end_with_a_stalled_engine(
    tmp_path_factory: pytest.TempPathFactory, engine: FaultyEngine, path_to_engine: FaultyEngine
) -> None:
    """SIGTERM ends the service with code 0 though the engine doesn't answer; the latest uses are known afterwards."""
    folder = tmp_path_factory.mktemp("ending")
    with Service(folder, {"POOL_SIZE": "1"}, engine=path_to_engine.address) as service, service.http() as http:
        container_id = made(http)
        wait_until(lambda: len(service.ready()) == 1, SETTLED_SECONDS, "The pool is not filled")
        engine.stall(CREATES)
        asked = len(engine.asked)
        with ThreadPoolExecutor() as threads:
            waiting = [threads.submit(http.post, "/containers", json={"name": "waits"}) for _ in range(3)]
            wait_until(lambda: sum(map(is_create, engine.asked[asked:])) >= 3, 30, "They do not wait")
            used = http.get(f"/containers/{container_id}").json()["last_active_at"]
            assert service.stop() == 0
            assert {answer.result().status_code for answer in waiting} <= {200, 503}
        engine.mend()
        service.start()
        left = http.get("/containers").json()["data"]
        assert (container_id, used) in [(container["id"], container["last_active_at"]) for container in left]
        wait_until(lambda: len(service.on_engine()) == len(left) + 1, SETTLED_SECONDS, "Something is left")


def is_create(call: str) -> bool:
    """Whether that was asked of the engine."""
    return "/containers/create" in call
