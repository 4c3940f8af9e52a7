"""Who is due. Pure."""

from __future__ import annotations

from runtime.values import Container, ContainerStatus


def is_due(container: Container, now: int, *, in_use: bool) -> bool:
    """Whether a container's time is up: unused for as long as it was asked for, and not in use."""
    due_at = container.last_active_at + container.expires_after_minutes * 60
    return container.status is ContainerStatus.RUNNING and not in_use and due_at <= now
