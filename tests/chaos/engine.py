"""What happens to sandboxes behind the service's back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import docker


def kill_sandbox(container_id: str) -> None:
    """Kill a sandbox's first process, and with it the sandbox."""
    with closing(docker.from_env()) as engine:
        engine.containers.get(container_id).kill()


@contextmanager
def paused(container_id: str) -> Iterator[None]:
    """Pause a sandbox until the end of the context, as an engine does while it makes an image of it."""
    with closing(docker.from_env()) as engine:
        container = engine.containers.get(container_id)
        container.pause()
        try:
            yield
        finally:
            container.unpause()


def processes(container_id: str) -> str:
    """What runs in a sandbox, as the engine sees it."""
    with closing(docker.from_env()) as engine:
        return str(engine.containers.get(container_id).top())
