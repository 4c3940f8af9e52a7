"""A real S3-compatible server in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import httpx

from tests.service import NO_TLS, free_port, wait_until

START_SECONDS = 60.0
STOP_SECONDS = 10.0
LISTED_AT_ONCE = 100
"""How many objects the server lists in one answer: less than S3's 1000, so that fewer are needed for a second one."""


class S3Server:
    """A moto server with one bucket; it keeps everything in its memory. As a context manager it starts and ends.

    It takes any access key, but for what is done while `only_known_keys` lasts.
    """

    def __init__(self, folder: Path) -> None:
        self.bucket = "sandlot"
        self.access_key = "test"
        self.secret_key = "test"
        self.endpoint = f"http://127.0.0.1:{(port := free_port())}"
        self._command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
        self._log = folder / "s3.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._http = httpx.Client(base_url=self.endpoint, verify=NO_TLS, timeout=30)

    def objects(self, prefix: str) -> list[str]:
        """The keys of all objects below a prefix, at most as many as the server lists at once."""
        return self._keys("list-type", prefix)

    def uploads(self, prefix: str) -> list[str]:
        """The keys of all uploads in parts that are under way or were given up."""
        return self._keys("uploads", prefix)

    @contextmanager
    def only_known_keys(self) -> Iterator[None]:
        """Refuse, for a while, every access key: the server knows of none."""
        self._http.post("/moto-api/reset-auth", content="0").raise_for_status()
        try:
            yield
        finally:
            self._http.post("/moto-api/reset-auth", content="inf").raise_for_status()

    def _keys(self, what: str, prefix: str) -> list[str]:
        answer = self._http.get(f"/{self.bucket}", params={what: "2", "prefix": f"{prefix}/"}).raise_for_status()
        return re.findall("<Key>(.*?)</Key>", answer.text)

    def __enter__(self) -> Self:
        environment = os.environ | {"MOTO_S3_DEFAULT_MAX_KEYS": str(LISTED_AT_ONCE)}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        wait_until(self._answers, START_SECONDS, f"The S3 server doesn't answer; its log is {self._log}")
        self._http.put(f"/{self.bucket}").raise_for_status()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(STOP_SECONDS)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        try:
            return self._http.get("/moto-api/data.json").is_success
        except httpx.TransportError:
            return False
