"""HTTPS from the host, directly or by way of something else."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import Self

from bench import https_client
from bench.site import Site


class HttpsOnHost:
    """Implements ReachesServer, by the system's own Python, as in the sandbox. No name is looked up."""

    def __init__(self, name: str, address: str, host: str, site: Site) -> None:
        self.name = name
        python = shutil.which("python3", path="/usr/bin") or sys.executable
        self._command = [python, https_client.__file__, address, host, str(site.ca_file), str(site.library)]
        self._program: subprocess.Popen[str]

    def __enter__(self) -> Self:
        self._program = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._program.communicate()

    def run_errand(self, errand: str) -> float:
        """See ReachesServer."""
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        print(errand, file=self._program.stdin, flush=True)
        return float(json.loads(self._program.stdout.readline())["seconds"])
