"""Records to keep, with whatever a test does not care about filled in."""

from __future__ import annotations

from runtime.file_values import File, FilePurpose, FileSpec, Upload, UploadPart, UploadSpec, UploadStatus
from runtime.ids import (
    new_blob_id,
    new_container_file_id,
    new_container_id,
    new_file_id,
    new_part_id,
    new_skill_id,
    new_skill_version_id,
    new_upload_id,
)
from runtime.network_values import NO_NETWORK, NetworkPolicy, SecretName
from runtime.skill_values import Skill, SkillVersion
from runtime.values import Container, ContainerFile, ContainerStatus, FileSource, MemoryLimit

OWNER = "key_1"
QUOTA = 10_000

NETWORK = NetworkPolicy(
    ("api.example.com", "*.example.org"), (SecretName("api.example.com", "KEY"), SecretName("a.example.org", "KEY"))
)
"""A policy with all that there can be in one."""


def container(
    *,
    owner: str = OWNER,
    name: str = "box",
    status: ContainerStatus = ContainerStatus.RUNNING,
    created_at: int = 1000,
    last_active_at: int = 1000,
    minutes: int = 20,
    network: NetworkPolicy = NO_NETWORK,
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
        network=network,
    )


def container_file(container_id: str, path: bytes = b"/mnt/data/a.csv", *, created_at: int = 1000) -> ContainerFile:
    """A file of the caller's in a container, with a new id."""
    return ContainerFile(
        id=new_container_file_id(),
        container_id=container_id,
        path=path,
        size=5,
        created_at=created_at,
        source=FileSource.USER,
    )


def file(
    *,
    owner: str = OWNER,
    purpose: FilePurpose = FilePurpose.USER_DATA,
    size: int = 5,
    created_at: int = 1000,
    expires_at: int | None = None,
) -> File:
    """A file with a new id, in a new blob."""
    return File(
        id=new_file_id(),
        owner=owner,
        filename="a.csv",
        purpose=purpose,
        size=size,
        created_at=created_at,
        expires_at=expires_at,
        blob_id=new_blob_id(),
    )


def upload(*, owner: str = OWNER, expires_at: int = 4600) -> Upload:
    """A pending upload with a new id."""
    return Upload(
        id=new_upload_id(),
        owner=owner,
        spec=UploadSpec(FileSpec("a.jsonl", FilePurpose.BATCH), size=10, mime_type="text/jsonl"),
        created_at=1000,
        expires_at=expires_at,
        status=UploadStatus.PENDING,
    )


def part(upload_id: str, *, size: int = 5, created_at: int = 1000) -> UploadPart:
    """A part with a new id, in a new blob."""
    return UploadPart(new_part_id(), upload_id, size, created_at, new_blob_id())


def skill(*, owner: str = OWNER, size: int = 5, created_at: int = 1000) -> tuple[Skill, SkillVersion]:
    """A skill with a new id and its first version."""
    first = skill_version(new_skill_id(), version=1, size=size)
    return Skill(first.skill_id, owner, first.name, first.description, created_at, 1, 1), first


def skill_version(skill_id: str, *, version: int = 0, size: int = 5, name: str = "charts") -> SkillVersion:
    """A version with a new id, in a new blob; without a number, a draft."""
    return SkillVersion(
        id=new_skill_version_id(),
        skill_id=skill_id,
        version=version,
        name=name,
        description=f"How to make {name}.",
        created_at=1000,
        size=size,
        blob_id=new_blob_id(),
    )
