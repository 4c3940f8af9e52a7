"""A real `sandlot serve` in a process of its own, that a test can start, end and kill."""

from __future__ import annotations

import os
import random
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Self

import docker
import httpx
from docker.errors import APIError

from runtime.sandboxes import INSTANCE_LABEL, PREPARED_LABEL

ROOT = Path(__file__).parents[1]
START_SECONDS = 60.0
STOP_SECONDS = 30.0
SETTLED_SECONDS = 90.0
"""What was under way on the engine when a service ended is found and removed within two rounds of comparing."""

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients that speak plain HTTP. By themselves they would read all certificates of the machine: 0.1 s each."""


class Service:
    """One service with its own data directory and port; both stay the same from start to start.

    `settings` are further settings, without their prefix. `hosts` are names with the addresses that this process alone
    finds them at, which takes root; `open_files` is how many it may have open; `engine` is an address of the engine for
    it alone. As a context manager it starts, and at the end leaves nothing on the engine.
    """

    def __init__(
        self,
        data_dir: Path,
        settings: Mapping[str, str] | None = None,
        hosts: Mapping[str, str] | None = None,
        open_files: int | None = None,
        engine: str | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        self.log = data_dir / "service.log"
        # What most tests are about doesn't depend on a pool, and filling one takes the machine some time.
        self._settings = {"DATA_DIR": str(data_dir), "PORT": str(self.port), "POOL_SIZE": "0", **(settings or {})}
        self._hosts = hosts
        self._open_files = open_files
        self._engine = {} if engine is None else {"DOCKER_HOST": engine}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The id of the running process."""
        return self._running().pid

    @property
    def api_key(self) -> str:
        """The key that was set, or else made at the first start."""
        return self._settings.get("API_KEY") or (self.data_dir / "api-key").read_text().strip()

    @property
    def instance(self) -> str:
        """The id of the installation, as the engine's objects are labelled with it."""
        return str(self._rows("SELECT id FROM installation")[0][0])

    def start(self) -> None:
        """Start and return once it answers."""
        if self._process is not None:
            raise RuntimeError("The service runs already.")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SANDLOT_")}
        environment |= {f"SANDLOT_{name}": value for name, value in self._settings.items()} | self._engine
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._with_open_files(), *self._with_hosts(), sys.executable, "-m", "api.cli.main", "serve"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self._answers, START_SECONDS, f"The service does not answer; its log is {self.log}")

    def stop(self) -> int:
        """End it as an operator would, by SIGTERM, and return its exit code."""
        return self.end(signal.SIGTERM)

    def kill(self) -> None:
        """End it by SIGKILL: it can't do anything about it."""
        self.end(signal.SIGKILL)

    def end(self, number: signal.Signals) -> int:
        """End it by a signal, and return its exit code."""
        process, self._process = self._running(), None
        process.send_signal(number)
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    def engine_containers(self) -> list[str]:
        """The names of all containers that the engine has of this service, once it is through with removing some.

        Those that are ready for containers to come, or about to be, aren't among them.
        """
        deleting = "SELECT id FROM containers WHERE status = 'deleting'"
        wait_until(lambda: not self._rows(deleting), SETTLED_SECONDS, "A deleted container is not removed")
        found = self.on_engine()
        ahead = self._ahead(found, "created", "running")
        return [name for name in found if name not in ahead]

    def ready(self) -> list[str]:
        """The names of the containers that the engine runs ahead, for containers to come."""
        return self._ahead(self.on_engine(), "running")

    def on_engine(self) -> dict[str, Any]:
        """What the engine tells of each container that it has of this service, by its name."""
        with closing(docker.from_env()) as engine:
            found = engine.api.containers(all=True, filters={"label": f"{INSTANCE_LABEL}={self.instance}"})
            return {entry["Names"][0].removeprefix("/"): entry for entry in found if entry["Names"]}

    def http(self) -> httpx.Client:
        """A client of it, with its key."""
        headers = {"authorization": f"Bearer {self.api_key}"}
        return httpx.Client(base_url=self.base_url, headers=headers, timeout=60, verify=NO_TLS)

    def delete_containers(self) -> None:
        """Delete every container through the API, and see that the engine has none left."""
        with self.http() as client:
            while found := client.get("/containers", params={"limit": 100}).raise_for_status().json()["data"]:
                for container in found:
                    client.delete(f"/containers/{container['id']}").raise_for_status()
        wait_until(
            lambda: not self.engine_containers(), SETTLED_SECONDS, "The engine still has containers of the service"
        )

    def clear_engine(self) -> None:
        """Remove all that the engine has of a service that doesn't run any more."""
        with closing(docker.from_env()) as engine:
            for name in self.on_engine():
                with suppress(APIError):  # it is being removed already
                    engine.api.remove_container(name, v=True, force=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is None:
            self.start()
        try:
            self.delete_containers()
        finally:
            self.stop()
            self.clear_engine()

    def _ahead(self, found: Mapping[str, Any], *states: str) -> list[str]:
        """Those among `found`, in one of these states, that were made ahead and have had no record yet."""
        recorded = {row[0] for row in self._rows("SELECT id FROM containers")}
        ahead = [name for name, entry in found.items() if PREPARED_LABEL in entry["Labels"]]
        return [name for name in ahead if found[name]["State"] in states and name not in recorded]

    def _rows(self, query: str) -> Sequence[Sequence[Any]]:
        with closing(sqlite3.connect(self.data_dir / "sandlot.db", timeout=30)) as database:
            return database.execute(query).fetchall()

    def _with_hosts(self) -> list[str]:
        """What to put before a command so that it sees an /etc/hosts of its own; it keeps its process id."""
        if self._hosts is None:
            return []
        file = self.data_dir / "hosts"
        file.write_text("".join(f"{address} {name}\n" for name, address in self._hosts.items()))
        return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', str(file)]

    def _with_open_files(self) -> list[str]:
        """What to put before a command so that it may have so many files open; it keeps its process id."""
        if self._open_files is None:
            return []
        return ["sh", "-c", 'ulimit -n "$0" && exec "$@"', str(self._open_files)]

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("The service does not run.")
        return self._process

    def _answers(self) -> bool:
        if (code := self._running().poll()) is not None:
            self._process = None
            raise RuntimeError(f"The service ended with {code}:\n{self.log.read_text()[-4000:]}")
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=5, verify=NO_TLS).is_success
        except httpx.TransportError:
            return False


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on.

    The kernel gives it to no connection either: those of other tests would take it while a service is between two runs.
    """
    first_of_connections = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(first_of_connections // 2, first_of_connections)  # noqa: S311 - any will do
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_until(holds: Callable[[], bool], seconds: float, otherwise: str) -> None:
    """Return as soon as something holds. Raises TimeoutError, saying `otherwise`, if it never does."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(otherwise)
        time.sleep(0.02)
