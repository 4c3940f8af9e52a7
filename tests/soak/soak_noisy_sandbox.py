"""One sandbox takes all it can get while another makes small requests. `make soak` runs it, `make test` doesn't.

The goal is that the quiet one's p99 no more than doubles. It is printed, and not asserted: where the sandboxes, the
engine and the service share a few processors, it is these that run out, and any other work on the machine shows too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import trustme

from bench.percentiles import Percentiles
from tests.runtime.egress.stub_servers import StubServer, echo, pour
from tests.service import wait_until
from tests.shell import call, stdout
from tests.way_out import service_that_reaches

RAW_PORT = 5000
PATIENCE = 5.0  # seconds for one exchange, which takes some milliseconds

QUIET = f"""
import json, socket, time
seconds = []
for _ in range(320):
    began = time.perf_counter()
    with socket.create_connection(("echo.test", {RAW_PORT}), timeout={PATIENCE}) as connection:
        connection.sendall(b"hello")
        assert connection.recv(10) == b"hello"
    seconds.append(time.perf_counter() - began)
print(json.dumps(seconds[20:]))
"""
NOISY = f"""
import os, socket
for _ in range(%d):
    if os.fork() == 0:
        buffer = bytearray(1 << 18)
        with socket.create_connection(("source.test", {RAW_PORT})) as connection:
            while connection.recv_into(buffer):
                pass
os.wait()
"""


@pytest.fixture(scope="module")
def source() -> Iterator[StubServer]:
    """A server that sends without end."""
    with StubServer(RAW_PORT, pour(2**50)) as running:
        yield running


@pytest.fixture(scope="module")
def http(source: StubServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a service whose sandboxes may reach that server, and one that echoes."""
    with StubServer(RAW_PORT, echo) as echoing:
        hosts = {"source.test": source.address, "echo.test": echoing.address}
        settings = {"EGRESS_EXTRA_PORTS": str(RAW_PORT)}
        data_dir = tmp_path_factory.mktemp("service")
        with service_that_reaches(hosts, trustme.CA(), data_dir, settings) as running, running.http() as connected:
            yield connected


def made(http: httpx.Client) -> str:
    """The id of a new container that may reach both."""
    policy = {"type": "allowlist", "allowed_domains": ["source.test", "echo.test"]}
    body = {"name": "soak", "network_policy": policy}
    return str(http.post("/containers", json=body).raise_for_status().json()["id"])


@contextmanager
def noise(http: httpx.Client, container_id: str, source: StubServer, streams: int) -> Iterator[None]:
    """As much as a sandbox can get, over so many connections at once."""
    before = len(source.connections)
    noisy = call(http, container_id, "python3 -", stdin=NOISY % streams, background=True)
    wait_until(lambda: len(source.connections) == before + streams, 30, "It doesn't begin")
    yield
    http.post(f"/containers/{container_id}/shell_calls/{noisy['id']}/cancel").raise_for_status()


def measured(http: httpx.Client, container_id: str) -> Percentiles:
    """How long exchanges on new connections take; none fails, or takes longer than PATIENCE."""
    return Percentiles.of(json.loads(stdout(http, container_id, "python3 -", stdin=QUIET)))


@pytest.mark.parametrize("streams", [1, 4, 64])
def test_a_noisy_sandbox(http: httpx.Client, source: StubServer, streams: int) -> None:
    """Whatever one takes, each request of the other is answered, and how much later is told."""
    quiet, noisy = made(http), made(http)
    alone = measured(http, quiet)
    with noise(http, noisy, source, streams):
        beside = measured(http, quiet)
    for name, before, after in (("p50", alone.p50, beside.p50), ("p99", alone.p99, beside.p99)):
        print(f"{name} beside {streams}: {before * 1e3:.1f} ms, then {after * 1e3:.1f} ms: x{after / before:.1f}")
