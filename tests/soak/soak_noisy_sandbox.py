"""One sandbox takes all it can get while another makes small requests. `make soak` runs it, `make test` doesn't.

The goal is that the quiet one's p99 no more than doubles. It is printed, and not asserted: where the sandboxes, the
engine and the service share a few processors, it is these that run out, and any other work on the machine shows too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx
import pytest

from bench.percentiles import Percentiles
from bench.site import INTERCEPTED, SPLICED, Site
from tests.memory import MIB
from tests.runtime.egress.stub_servers import StubServer, echo
from tests.service import Service, wait_until
from tests.shell import call, stdout

ECHO = "echo.test"
ECHO_PORT = 5000
PATIENCE = 5.0  # seconds for one exchange, which takes some milliseconds

QUIET = f"""
import json, socket, time
seconds = []
for _ in range(320):
    began = time.perf_counter()
    with socket.create_connection(("{ECHO}", {ECHO_PORT}), timeout={PATIENCE}) as connection:
        connection.sendall(b"hello")
        assert connection.recv(10) == b"hello"
    seconds.append(time.perf_counter() - began)
print(json.dumps(seconds[20:]))
"""


@pytest.fixture(scope="module")
def http(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a service whose sandboxes may reach a server of large files, and one that echoes."""
    with StubServer(ECHO_PORT, echo) as echoing:
        hosts = {**site.hosts, ECHO: echoing.address}
        ranges = json.dumps({host: ["127.0.0.0/8"] for host in hosts})
        settings = {**site.settings, "EGRESS_PRIVATE_RANGES": ranges, "EGRESS_EXTRA_PORTS": str(ECHO_PORT)}
        with Service(tmp_path_factory.mktemp("service"), settings, hosts) as running, running.http() as connected:
            yield connected


@pytest.fixture
def noisy(http: httpx.Client, site: Site) -> str:
    """The id of a container that may reach the large files."""
    return made(http, site.policy)


@pytest.fixture(scope="module")
def quiet(http: httpx.Client) -> str:
    """The id of one that may reach what echoes."""
    return made(http, {"type": "allowlist", "allowed_domains": [ECHO]})


def made(http: httpx.Client, policy: Mapping[str, object]) -> str:
    """The id of a new container."""
    body = {"name": "soak", "network_policy": policy}
    return str(http.post("/containers", json=body).raise_for_status().json()["id"])


@contextmanager
def noise(http: httpx.Client, container_id: str, host: str, streams: int) -> Iterator[None]:
    """As much from a host as a sandbox can get, over so many connections at once."""
    stream = f'curl -sSk -H "Authorization: Bearer $API_KEY" -o /dev/null https://{host}/1000000000000'
    command = f"for i in $(seq {streams}); do {stream} & done; wait"
    running = call(http, container_id, command, background=True)
    wait_until(lambda: flowing(http, container_id) == streams, 60, "It doesn't begin")
    yield
    http.post(f"/containers/{container_id}/shell_calls/{running['id']}/cancel").raise_for_status()


def flowing(http: httpx.Client, container_id: str) -> int:
    """How many of a container's connections have brought it a few bytes."""
    records = http.get(f"/containers/{container_id}/egress", params={"limit": 100}).raise_for_status().json()["data"]
    return sum(record["bytes_received"] > MIB for record in records)


def measured(http: httpx.Client, container_id: str) -> Percentiles:
    """How long exchanges on new connections take; none fails, or takes longer than PATIENCE."""
    return Percentiles.of(json.loads(stdout(http, container_id, "python3 -", stdin=QUIET)))


@pytest.mark.parametrize("streams", [1, 4, 64])
@pytest.mark.parametrize("host", [SPLICED, INTERCEPTED])
def test_a_noisy_sandbox(http: httpx.Client, quiet: str, noisy: str, host: str, streams: int) -> None:
    """Whatever one takes, each request of the other is answered, and how much later is told."""
    alone = measured(http, quiet)
    with noise(http, noisy, host, streams):
        beside = measured(http, quiet)
    for name, before, after in (("p50", alone.p50, beside.p50), ("p99", alone.p99, beside.p99)):
        what = f"{name} beside {streams} through {host}"
        print(f"{what}: {before * 1e3:.1f} ms, then {after * 1e3:.1f} ms: x{after / before:.1f}")
