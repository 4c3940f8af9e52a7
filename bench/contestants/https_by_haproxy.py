"""HTTPS from the host by way of HAProxy: what a gate takes that does little else, and is written in C."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path
from typing import Self

from bench.contestants.https_on_host import HttpsOnHost
from bench.site import INTERCEPTED, SPLICED, VALUE, Site
from tests.service import wait_until

START_SECONDS = 10.0

COMMON = """
defaults
    timeout connect 10s
    timeout client 60s
    timeout server 60s
"""

# As the service does them, but that nothing is looked up, no answer is searched for the secret, and nobody counts.
MODES = {
    SPLICED: """
listen spliced
    mode tcp
    bind {address}:443
    server site {site.address}:443
""",
    INTERCEPTED: """
listen intercepted
    mode http
    bind {address}:443 ssl crt {site.chain}
    http-request set-header Authorization "Bearer {value}"
    server site {site.address}:443 ssl verify required ca-file {site.ca_file} sni str({host}) verifyhost {host}
""",
}


class HttpsByHaproxy(HttpsOnHost):
    """Implements ReachesServer, for one `host` of the site. The folder is for HAProxy's configuration."""

    def __init__(self, name: str, host: str, site: Site, folder: Path) -> None:
        self._address = f"127.{129 + list(MODES).index(host)}.{site.address.split('.', 2)[2]}"
        super().__init__(name, self._address, host, site)
        self._file = folder / f"{host}.cfg"
        self._file.write_text(COMMON + MODES[host].format(address=self._address, site=site, host=host, value=VALUE))
        self._haproxy: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
        self._haproxy = subprocess.Popen(["haproxy", "-db", "-f", self._file], env={"PATH": path})
        try:
            wait_until(self._listens, START_SECONDS, "HAProxy doesn't start.")
            return super().__enter__()
        except BaseException:
            self._end()
            raise

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._end()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((self._address, 443)) == 0

    def _end(self) -> None:
        self._haproxy.kill()
        self._haproxy.communicate()
