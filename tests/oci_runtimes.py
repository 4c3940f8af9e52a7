"""Which of Docker's own runtimes the engine has, so that tests run on each."""

from __future__ import annotations

from contextlib import closing

import docker
import requests
from docker.errors import DockerException

DEFAULT = "runc"
GVISOR = "runsc"
SECONDS = 20


def gvisor() -> list[str]:
    """`runsc` where the engine has it, which `make test` sees to where it can; and otherwise nothing.

    An engine that doesn't answer is nothing to find out here: the tests that need one will say it.
    """
    try:
        with closing(docker.from_env(timeout=SECONDS)) as engine:
            return [GVISOR] if GVISOR in engine.info()["Runtimes"] else []
    except (DockerException, requests.RequestException):
        return []


OCI_RUNTIMES = [DEFAULT, *gvisor()]
"""What to parametrise a test, or a fixture, with. It is asked for once, when tests are collected."""
