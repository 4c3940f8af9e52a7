"""Gigabytes on their way out of a sandbox and back. It takes minutes: `make soak` runs it, `make test` doesn't."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from bench.site import INTERCEPTED, SPLICED, Site
from tests.memory import MIB, growth
from tests.service import Service
from tests.shell import stdout

SIZE = 4_000_000_000  # bytes
MOST = 32 * MIB
"""What the service may grow by meanwhile: a few windows and buffers, whatever the size of what goes through."""

CURL = 'curl -sSf --cacert trusted.pem -H "Authorization: Bearer $API_KEY"'
DOWN = f"{CURL} -o /dev/null -w '%{{size_download}}' https://$HOST/{SIZE}"
# Told by this header, curl doesn't need to know the size of what it reads from a pipe.
UP = f"head -c {SIZE} /dev/zero | {CURL} -T - -H 'Content-Length: {SIZE}' -H 'Transfer-Encoding:' https://$HOST/"


@pytest.fixture(scope="module")
def service(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose sandboxes may reach it."""
    with Service(tmp_path_factory.mktemp("service"), site.settings, site.hosts) as running:
        yield running


@pytest.fixture(scope="module")
def http(service: Service) -> Iterator[httpx.Client]:
    """A client of it."""
    with service.http() as connected:
        yield connected


@pytest.fixture(scope="module")
def container(http: httpx.Client, site: Site) -> str:
    """A container that may reach the server, and knows its authority."""
    body = {"name": "soak", "network_policy": site.policy}
    made: str = http.post("/containers", json=body).raise_for_status().json()["id"]
    ca = site.ca_file.read_bytes()
    http.post(f"/containers/{made}/files", files={"file": ("ca.pem", ca)}).raise_for_status()
    stdout(http, made, 'cat ca.pem "$SSL_CERT_FILE" > trusted.pem')
    for host in (SPLICED, INTERCEPTED):  # what is read or made once isn't growth
        stdout(http, made, f"HOST={host}; {CURL} -o /dev/null https://$HOST/1000000")
    return made


@pytest.mark.parametrize("host", [SPLICED, INTERCEPTED])
@pytest.mark.parametrize("command", [DOWN, UP], ids=["down", "up"])
def test_memory_stays_flat(service: Service, http: httpx.Client, container: str, command: str, host: str) -> None:
    """4 GB go through, and the service holds no more of it at any time than a few windows."""
    began = time.monotonic()
    with growth(service.pid, f"4 GB through {host}") as grown:
        arrived = stdout(http, container, f"HOST={host}; {command}")
    print(f"{SIZE / (time.monotonic() - began) / 1e6:.0f} MB/s")
    assert int(arrived) == SIZE
    assert grown() < MOST
