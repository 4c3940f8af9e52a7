from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from tests.runtime.egress.stub_servers import StubServer
from tests.runtime.egress.stub_streams import server_context
from tests.service import ROOT, Service
from tests.shell import PATIENCE, run, stdout
from tests.way_out import service_that_reaches

HOST = "api.test"
CANARY = "sk-canary-7f3a9c"
REQUESTS = 500

# Asks again and again, each tenth time on a new connection, and prints what the server said that it was sent.
PROGRAM = f"""
import http.client, os, ssl
for number in range({REQUESTS}):
    if number % 10 == 0:
        connection = http.client.HTTPSConnection("{HOST}", timeout=60)
    connection.request("GET", f"/echo?{{number}}", headers={{"Authorization": os.environ["KEY"]}})
    print(*[line for line in connection.getresponse().read().decode().splitlines() if "Authorization" in line])
"""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Signs the server's certificate."""
    return trustme.CA()


@pytest.fixture(scope="module")
def server(authority: trustme.CA) -> Iterator[StubServer]:
    """A server that takes keys, and tells what it was sent."""
    with StubServer(443, tls=server_context(authority.issue_cert(HOST))) as running:
        yield running


@pytest.fixture
def reaching(tmp_path: Path, authority: trustme.CA, server: StubServer) -> Iterator[Service]:
    """A service whose containers may reach the server, and which keeps secrets; its log leaves nothing out."""
    settings = {"SECRETS_KEY": "the operator's own key", "LOG_LEVEL": "DEBUG"}
    with service_that_reaches({HOST: server.address}, authority, tmp_path, settings) as running:
        yield running


def made(http: httpx.Client, value: str) -> str:
    """The id of a new container with that secret."""
    secret = {"domain": HOST, "name": "KEY", "value": value}
    policy = {"type": "allowlist", "allowed_domains": [HOST], "domain_secrets": [secret]}
    body: dict[str, Any] = {"name": "with a secret", "network_policy": policy}
    return str(http.post("/containers", json=body).raise_for_status().json()["id"])


def test_a_secret_is_nowhere_to_be_read(reaching: Service, server: StubServer) -> None:
    """The server gets it; no answer, file, log, process or engine's record has it."""
    with reaching.http() as http:
        container_id = made(http, CANARY)
        places = {
            "the echo": stdout(http, container_id, f'curl -sS -H "Authorization: Bearer $KEY" https://{HOST}/echo'),
            "the sandbox": run(http, container_id, "env; cat /proc/*/environ /proc/*/cmdline /tmp/.sandlot/*")[
                "stdout"
            ],
        }
        for path in ("", f"/{container_id}", f"/{container_id}/egress", f"/{container_id}/files"):
            places[path] = http.get(f"/containers{path}").text
        places["the engine"] = subprocess.run(
            ["docker", "inspect", container_id], capture_output=True, text=True, check=True
        ).stdout
    assert CANARY.encode() in server.received
    assert "Bearer $KEY" in places["the echo"]
    assert HOST in reaching.log.read_text()
    for place, text in places.items():
        assert CANARY not in text, place
    for file in reaching.data_dir.rglob("*"):
        assert not file.is_file() or CANARY.encode() not in file.read_bytes(), file


def test_the_service_leaves_no_core(reaching: Service) -> None:
    """The service may not be dumped, whatever the limits were that it was started with."""
    before = set(ROOT.glob("*core*"))
    (line,) = [line for line in Path(f"/proc/{reaching.pid}/limits").read_text().splitlines() if "core" in line]
    assert line.split()[4:6] == ["0", "0"]
    assert reaching.end(signal.SIGABRT) == -signal.SIGABRT
    assert set(ROOT.glob("*core*")) == before


def test_secrets_do_not_cross(reaching: Service, server: StubServer) -> None:
    """Two containers with two values for one domain, 1,000 requests at the same time: each is sent with its own."""
    with reaching.http() as http, ThreadPoolExecutor() as threads:
        values = {made(http, value): value for value in (f"{CANARY}-first", f"{CANARY}-second")}
        calls = [
            threads.submit(stdout, http, container_id, "python3 -", stdin=PROGRAM, timeout_ms=int(PATIENCE * 1000))
            for container_id in values
        ]
        before = len(server.connections)
        for call in calls:
            assert call.result().splitlines() == ["Authorization: $KEY"] * REQUESTS
    sent = [connection.received.decode() for connection in server.connections[before:]]
    for value in values.values():
        mine = [text for text in sent if value in text]
        assert sum(text.count(f"Authorization: {value}\r\n") for text in mine) == REQUESTS
        assert sum(text.count("Authorization: ") for text in mine) == REQUESTS
