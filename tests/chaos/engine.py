"""What happens to sandboxes behind the service's back."""

from __future__ import annotations

from contextlib import closing

import docker


def kill_sandbox(container_id: str) -> None:
    """Kill a sandbox's first process, and with it the sandbox."""
    with closing(docker.from_env()) as engine:
        engine.containers.get(container_id).kill()


def processes(container_id: str) -> str:
    """What runs in a sandbox, as the engine sees it."""
    with closing(docker.from_env()) as engine:
        return str(engine.containers.get(container_id).top())
