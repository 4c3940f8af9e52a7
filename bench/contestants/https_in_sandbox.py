"""HTTPS from a sandbox of Sandlot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Self

from bench import https_client
from bench.contestants.connection import Connection
from bench.contestants.forms import form
from bench.contestants.sandlot import output
from bench.site import Site

# The program stays, as on the host. It gets errands by one named pipe and gives answers by another. The shell handles
# them by itself, so that nothing is started while the program is at work.
START = """
mkfifo errands answers
cat {ca_file} "$SSL_CERT_FILE" > trusted.pem
python3 https_client.py {host} {host} trusted.pem {library} 0<>errands 1<>answers 2>errors &
"""
RUN = 'echo {errand} 1<>errands; read -r -t 60 answer <>answers && echo "$answer" || cat errors'


class HttpsInSandbox:
    """Implements ReachesServer, for one `host` of the site."""

    def __init__(self, name: str, host: str, site: Site, port: int, api_key: str) -> None:
        self.name = name
        self._host = host
        self._site = site
        self._connection = Connection(port, api_key)
        self._path = ""

    def __enter__(self) -> Self:
        made = self._connection.json("POST", "/v1/containers", {"name": "bench", "network_policy": self._site.policy})
        self._path = f"/v1/containers/{made['id']}"
        for file in (Path(https_client.__file__), self._site.ca_file, self._site.library):
            self._connection.submit(f"{self._path}/files", form("file", file.name, file.read_bytes()))
        self._run(START.format(host=self._host, ca_file=self._site.ca_file.name, library=self._site.library.name))
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._connection.json("DELETE", self._path)
        finally:
            self._connection.close()

    def run_errand(self, errand: str) -> float:
        """See ReachesServer."""
        return float(json.loads(self._run(RUN.format(errand=errand)))["seconds"])

    def _run(self, command: str) -> bytes:
        return output(self._connection.json("POST", f"{self._path}/shell_calls", {"commands": [command]}))
