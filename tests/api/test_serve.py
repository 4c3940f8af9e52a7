"""The command as an operator meets it: starting, refusing to start, ending."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

from tests.service import ROOT, Service, wait_until
from tests.shell import stdout


def sandlot(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The command, run to its end with these settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SANDLOT_")}
    return subprocess.run(
        [sys.executable, "-m", "api.cli.main", *arguments],
        cwd=ROOT,
        env=environment | {f"SANDLOT_{name}": value for name, value in settings.items()},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of these tests' own: they end it."""
    with Service(tmp_path_factory.mktemp("served")) as running:
        yield running


def test_bad_setting(tmp_path: Path) -> None:
    """A setting that can't be used ends the command with its name, and no traceback."""
    ended = sandlot("serve", DATA_DIR=str(tmp_path), PORT="http")
    assert ended.returncode == 1
    assert "SANDLOT_PORT" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("setting", ["IMAGE", "ENGINE_RUNTIME"])
def test_what_the_engine_has_not_got(tmp_path: Path, setting: str) -> None:
    """An image or an OCI runtime that isn't there is known at the start, in one line with its name."""
    ended = sandlot("serve", DATA_DIR=str(tmp_path), PORT="0", **{setting: "no-such-thing"})
    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("sandlot: The engine has no")
    assert "'no-such-thing'" in last
    assert f"SANDLOT_{setting}" in last
    assert "Traceback" not in ended.stderr


def test_weak_key(tmp_path: Path) -> None:
    """An API key that is too weak is refused in words."""
    ended = sandlot("serve", DATA_DIR=str(tmp_path), PORT="0", API_KEY="short")
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("sandlot: An API key has to be")
    assert "Traceback" not in ended.stderr


def test_port_in_use(tmp_path: Path) -> None:
    """A port in use is known before anything is opened."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = sandlot("serve", DATA_DIR=str(tmp_path / "new"), PORT=str(taken.getsockname()[1]))
    assert ended.returncode == 1
    assert "Address already in use" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "new").exists()


def test_unknown_host(tmp_path: Path) -> None:
    """A host that isn't this machine's is refused in words too."""
    ended = sandlot("serve", DATA_DIR=str(tmp_path), HOST="192.0.2.1", PORT="0")
    assert ended.returncode == 1
    assert "Cannot listen on 192.0.2.1:0" in ended.stderr


def test_one_service(served: Service) -> None:
    """A second service on the same data directory is refused, and the first goes on."""
    ended = sandlot("serve", DATA_DIR=str(served.data_dir), PORT="0")
    assert ended.returncode == 1
    assert "Another Sandlot is running" in ended.stderr
    with served.http() as http:
        assert http.get("/containers").is_success


def test_welcome(served: Service) -> None:
    """The first start shows where it answers, the key once, and an example that does what it says."""
    log = served.log.read_text()
    assert f"Sandlot answers at {served.base_url}" in log
    assert log.count(served.api_key) == 1
    assert (served.data_dir / "api-key").stat().st_mode & 0o777 == 0o600
    example = log.partition("another terminal):")[2].split("\n\n")[1]
    shell = subprocess.run(["bash", "-euc", example], capture_output=True, text=True, timeout=60, check=True)
    assert "uid=" in shell.stdout


def test_version() -> None:
    """The command tells its version."""
    assert sandlot("--version").stdout == f"sandlot {version('sandlot')}\n"


def test_a_key_without_a_name(tmp_path: Path) -> None:
    """It could not be told from others in the list."""
    ended = sandlot("keys", "create", " ", DATA_DIR=str(tmp_path))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "name" in ended.stderr


@pytest.mark.parametrize("arguments", [["list"], ["delete", "key_1"]])
def test_keys_of_nothing(tmp_path: Path, arguments: list[str]) -> None:
    """Where there is no Sandlot yet, looking for keys makes none: it is said, since it may be the wrong place."""
    ended = sandlot("keys", *arguments, DATA_DIR=str(tmp_path))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert str(tmp_path) in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_first_key(tmp_path: Path) -> None:
    """A key can be made before the first start. It is said that it is the first, since it may be the wrong place."""
    first, second = (sandlot("keys", "create", "laptop", DATA_DIR=str(tmp_path)) for _ in range(2))
    assert str(tmp_path) in first.stderr
    assert (second.returncode, second.stderr) == (0, "")
    assert first.stdout.startswith("sk-")


@pytest.mark.parametrize("arguments", [["list"], ["create", "laptop"]])
def test_keys_of_no_directory(tmp_path: Path, arguments: list[str]) -> None:
    """What can't be a data directory is said to be that."""
    (tmp_path / "file").touch()
    ended = sandlot("keys", *arguments, DATA_DIR=str(tmp_path / "file"))
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("sandlot: ")
    assert str(tmp_path / "file") in ended.stderr
    assert "Traceback" not in ended.stderr


def test_keys(served: Service) -> None:
    """Keys are made, listed with what they stored, and deleted while the service runs; a new one is good at once.

    A deleted one is refused before long.
    """
    data_dir = str(served.data_dir)
    key = sandlot("keys", "create", "laptop", DATA_DIR=data_dir).stdout.strip()
    bearer = {"authorization": f"Bearer {key}"}
    content = {"file": ("a.bin", bytes(2_500_000))}
    kept = httpx.post(f"{served.base_url}/files", headers=bearer, data={"purpose": "user_data"}, files=content)
    assert kept.is_success
    line = next(line for line in sandlot("keys", "list", DATA_DIR=data_dir).stdout.splitlines() if "laptop" in line)
    assert key not in line
    assert "  2.5 MB  laptop" in line
    assert sandlot("keys", "delete", line.split()[0], DATA_DIR=data_dir).returncode == 0
    assert "laptop" not in sandlot("keys", "list", DATA_DIR=data_dir).stdout
    again = sandlot("keys", "delete", line.split()[0], DATA_DIR=data_dir)
    assert (again.returncode, again.stderr.startswith("sandlot: API key with id")) == (1, True)
    files = f"{served.base_url}/files"
    wait_until(lambda: httpx.get(files, headers=bearer).status_code == 401, 60, "The deleted key is still good")


def test_not_http(served: Service) -> None:
    """Bytes that are not HTTP get the envelope too."""
    with socket.create_connection(("127.0.0.1", served.port)) as raw:
        raw.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(4096), b""))
    head, body = answer.split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"x-request-id: req_" in head
    assert b'"code":"invalid_http"' in body


@pytest.mark.parametrize("protocol", ["websocket", "h2c"])
def test_upgrade(served: Service, protocol: str) -> None:
    """A request for another protocol is answered as if it had asked for none, and is no matter for the log."""
    before = len(served.log.read_text())
    answer = httpx.get(f"{served.base_url}/nothing", headers={"connection": "upgrade", "upgrade": protocol})
    assert answer.status_code == 404
    assert "WARNING" not in served.log.read_text()[before:]


def test_stop_with_open_stream(served: Service) -> None:
    """SIGTERM ends the service with 0 though a client follows a command, which goes on."""
    with served.http() as http:
        container = http.post("/containers", json={"name": "n"}).json()["id"]
        calls = f"/containers/{container}/shell_calls"
        begun = threading.Event()
        cut: list[str] = []

        def follow() -> None:
            body = {"commands": ["echo begun; sleep 8; echo done"], "stream": True}
            try:
                with http.stream("POST", calls, json=body) as response:
                    cut.append(response.headers["content-location"])
                    for line in response.iter_lines():
                        if "begun" in line:
                            begun.set()
            except httpx.TransportError as error:
                cut.append(type(error).__name__)

        follower = threading.Thread(target=follow)
        follower.start()
        assert begun.wait(30)
        assert served.stop() == 0
        follower.join(30)
    assert len(cut) == 2
    served.start()
    with served.http() as http, http.stream("GET", f"{cut[0].removeprefix('/v1')}/events") as response:
        text = response.read().decode()
    assert "container.shell_call.completed" in text
    assert '"stdout":"begun\\ndone\\n"' in text
    assert served.log.read_text().count(served.api_key) == 1


def test_stop_idle(served: Service) -> None:
    """SIGTERM ends an idle service with 0, and leaves no complaint in its log."""
    before = len(served.log.read_text())
    assert served.stop() == 0
    assert "ERROR" not in served.log.read_text()[before:]


def test_a_download_that_breaks_off(tmp_path: Path) -> None:
    """A file that becomes shorter while it is sent costs the log one line, beside the access log's."""
    with Service(tmp_path) as service, service.http() as http, socket.socket() as slow:
        container = http.post("/containers", json={"name": "x"}).raise_for_status().json()["id"]
        stdout(http, container, "truncate -s 100M large")
        file = http.get(f"/containers/{container}/files").json()["data"][0]["id"]
        before = len(service.log.read_text())
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", service.port))
        path = f"/v1/containers/{container}/files/{file}/content"
        slow.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {service.api_key}\r\n\r\n".encode())
        slow.recv(1)
        stdout(http, container, "truncate -s 1 large")
        while slow.recv(65536):
            pass
        wait_until(lambda: f'"GET {path}" 200' in service.log.read_text(), 30, "It goes on")
        stdout(http, container, "true")
        lines = [line for line in service.log.read_text()[before:].splitlines() if "INFO sandlot.access" not in line]
    assert len(lines) == 1
    assert f"GET {path} is cut off" in lines[0]
