"""Records to keep, with whatever a test does not care about filled in."""

from __future__ import annotations

from runtime.ids import new_container_file_id, new_container_id
from runtime.values import Container, ContainerFile, ContainerStatus, FileSource, MemoryLimit

OWNER = "key_1"


def container(
    *,
    owner: str = OWNER,
    name: str = "box",
    status: ContainerStatus = ContainerStatus.RUNNING,
    created_at: int = 1000,
    last_active_at: int = 1000,
    minutes: int = 20,
) -> Container:
    """A container with a new id."""
    return Container(
        id=new_container_id(),
        owner=owner,
        name=name,
        status=status,
        created_at=created_at,
        last_active_at=last_active_at,
        memory_limit=MemoryLimit.GIB_4,
        expires_after_minutes=minutes,
    )


def file(container_id: str, path: bytes = b"/mnt/data/a.csv", *, created_at: int = 1000) -> ContainerFile:
    """A file of the caller's with a new id."""
    return ContainerFile(
        id=new_container_file_id(),
        container_id=container_id,
        path=path,
        size=5,
        created_at=created_at,
        source=FileSource.USER,
    )
