"""What services ask of a store. Each call is one short transaction, committed when it returns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from runtime.values import ApiKey, Container, ContainerFile, ContainerStatus, Page, PageRequest


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file as it was found in a sandbox: absolute raw path, size in bytes, unix time in seconds."""

    path: bytes
    size: int
    created_at: int


class ContainerStore(Protocol):
    """The records of containers."""

    async def add(self, container: Container) -> None:
        """Keep a new container. Its id must not be known yet."""

    async def get(self, container_id: str) -> Container | None:
        """The container, whoever owns it and whatever its status."""

    async def find(self, owner: str, container_id: str) -> Container | None:
        """The container if it is `owner`'s, whatever its status."""

    async def list(self, owner: str, page: PageRequest, name: str | None = None) -> Page[Container]:
        """A page of `owner`'s running and expired containers, only those called `name` if one is given.

        Raises NotFound when `page.after` is not the id of a running or expired container of `owner`.
        """

    async def move(self, container_id: str, from_: Collection[ContainerStatus], to: ContainerStatus) -> bool:
        """Set the status to `to` if it is one of `from_`, in one atomic step. Whether this call did it."""

    async def touch(self, times: Mapping[str, int]) -> None:
        """Set `last_active_at` by container id, never backwards, and of running containers only.

        The record of an expired container is a snapshot; ids that are not known are passed over.
        """

    async def due(self, now: int) -> Sequence[Container]:
        """The running containers whose time is up at `now`, the longest overdue first."""

    async def in_status(self, *statuses: ContainerStatus) -> Sequence[Container]:
        """All containers in one of `statuses`, in no particular order."""

    async def remove(self, container_id: str) -> None:
        """Forget the container and its files. Does nothing when it is not known."""


class ContainerFileStore(Protocol):
    """The records of the files in containers. A path has one record at most in a container."""

    async def add(self, file: ContainerFile) -> ContainerFile:
        """Keep a file and return the record as kept.

        A path that has a record already keeps that record's id and takes everything else from `file`: a sync
        may have seen a file before the one who put it there came to say so. Raises NotFound when the
        container is not known.
        """

    async def get(self, container_id: str, file_id: str) -> ContainerFile | None:
        """The file if it is in that container."""

    async def list(self, container_id: str, page: PageRequest) -> Page[ContainerFile]:
        """A page of the container's files. Raises NotFound when `page.after` is not the id of one."""

    async def sync(self, container_id: str, seen: Sequence[SeenFile]) -> None:
        """Make the records agree with the files that are really there, and write nothing if they do.

        New paths get a record with a new id and the source `assistant`, known ones keep theirs and take the
        new size, and records of paths not seen are removed. Of a path seen twice the last counts.

        `seen` has to be newer than every finished `add`, or it would take a file just added for a removed
        one: callers keep looking-and-syncing and writing-and-adding in one container apart. Syncs may overlap
        each other. Raises NotFound when a file is new and the container is not known.
        """

    async def remove(self, container_id: str, file_id: str) -> None:
        """Forget the file. Does nothing when it is not known in that container."""


class KeyStore(Protocol):
    """The records of API keys, found by a hash: the keys themselves are never kept."""

    async def add(self, key: ApiKey, key_hash: bytes) -> None:
        """Keep a new key. Neither its id nor its hash may be known yet."""

    async def find(self, key_hash: bytes) -> ApiKey | None:
        """The key with that hash."""

    async def list(self) -> Sequence[ApiKey]:
        """All keys, the oldest first."""

    async def remove(self, key_id: str) -> bool:
        """Forget the key. Whether it was known."""


@dataclass(frozen=True, slots=True)
class Store:
    """An open database.

    `instance_id` is a random id of this installation, made with the database and never changed. It labels
    engine objects, so that two services on one engine leave each other's alone.
    """

    containers: ContainerStore
    container_files: ContainerFileStore
    keys: KeyStore
    instance_id: str
