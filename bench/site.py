"""A TLS server on this machine that sandboxes may reach, and what a service has to know for that."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import trustme

from bench.library import pack

SPLICED = "spliced.test"
INTERCEPTED = "intercepted.test"
"""Its names: the same server, to be reached without a secret and with one."""

VALUE = "value-of-the-secret"


class Site:
    """The server, with a certificate (P-256) of an authority of its own. As a context manager it starts and ends.

    `address` is below 127.0.0.0/8, `ca_file` the authority's certificate, `chain` the server's with its key, `library`
    an archive with a library for its clients. It listens on port 443, which takes root.
    """

    def __init__(self, folder: Path) -> None:
        self.address = f"127.128.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
        self.ca_file = folder / "ca.pem"
        self.chain = folder / "chain.pem"
        self.library = folder / "library.zip"
        pack(self.library)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca_file))
        authority.issue_cert(SPLICED, INTERCEPTED).private_key_and_cert_chain_pem.write_to_path(str(self.chain))
        self._process: subprocess.Popen[str]

    @property
    def hosts(self) -> Mapping[str, str]:
        """Its names, with the address."""
        return {SPLICED: self.address, INTERCEPTED: self.address}

    @property
    def settings(self) -> Mapping[str, str]:
        """What a service needs to let sandboxes reach it."""
        ranges = {host: ["127.0.0.0/8"] for host in self.hosts}
        return {"CA_BUNDLE": str(self.ca_file), "EGRESS_PRIVATE_RANGES": json.dumps(ranges)}

    @property
    def policy(self) -> Mapping[str, object]:
        """The network policy of a container that may reach it."""
        secret = {"domain": INTERCEPTED, "name": "API_KEY", "value": VALUE}
        return {"type": "allowlist", "allowed_domains": [SPLICED, INTERCEPTED], "domain_secrets": [secret]}

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "bench.https_server", self.address, str(self.chain), INTERCEPTED, VALUE]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "listening\n":
            raise RuntimeError("The server doesn't start.")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
