"""What services ask of a store. Each call is one short transaction, committed when it returns.

One that changes something goes on to its end even if the task is cancelled, and passes the cancellation on afterwards.

Files, parts of uploads and versions of skills have bytes in the blob storage, and here a row that accounts for them,
which comes and goes with the record. Calls that add one take the `quota` of its owner: when all blobs of that owner
were to exceed so many bytes, they raise QuotaExceeded and keep nothing. Calls that remove records return the ids of
their blobs, whose bytes are then the caller's to remove.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Literal, Protocol

from runtime.file_values import File, FilePurpose, Upload, UploadPart, UploadStatus
from runtime.skill_values import Skill, SkillVersion
from runtime.values import ApiKey, Container, ContainerFile, ContainerStatus, Page, PageRequest


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file as it was found in a sandbox: absolute raw path, size in bytes, unix time in seconds."""

    path: bytes
    size: int
    created_at: int


class ContainerStore(Protocol):
    """The records of containers."""

    async def add(self, container: Container, sealed_secrets: bytes | None = None) -> None:
        """Keep a new container, and the values of its network's secrets if they are sealed.

        Its id must not be known yet.
        """

    async def get(self, container_id: str) -> Container | None:
        """The container, whoever owns it and whatever its status."""

    async def find(self, owner: str, container_id: str) -> Container | None:
        """The container if it is `owner`'s, whatever its status."""

    async def list(self, owner: str, page: PageRequest, name: str | None = None) -> Page[Container]:
        """A page of `owner`'s running and expired containers, only those called `name` if one is given.

        Raises NotFound when `page.after` is not the id of a running or expired container of `owner`.
        """

    async def move(self, container_id: str, from_: Collection[ContainerStatus], to: ContainerStatus) -> bool:
        """Set the status to `to` if it is one of `from_`, in one atomic step. Whether this call did it.

        The sealed secrets of a container that isn't to live any more go in that step.
        """

    async def sealed_secrets(self, container_id: str) -> bytes | None:
        """The values of a live container's secrets, sealed. None when they weren't kept."""

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

    async def add_all(self, files: Sequence[ContainerFile]) -> None:
        """Keep files of one container, each as `add` does it: all of them or none."""

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
        """Forget the key, with its files, uploads and skills, which nobody else could reach. Whether it was known."""

    async def ownerless(self) -> Sequence[str]:
        """The owners of containers, files, uploads and skills that are no key's any more."""

    async def remove_belongings(self, owner: str) -> None:
        """Forget the files, uploads and skills of an owner."""


class BlobRecords(Protocol):
    """The records of blobs, by which storage is accounted for and what nothing refers to is found."""

    async def ids(self) -> Set[str]:
        """The ids of all blobs, of all owners."""

    async def usage(self, owner: str) -> int:
        """How many bytes the blobs of `owner` have together."""


class FileStore(Protocol):
    """The records of the files of `/v1/files`."""

    async def add(self, file: File, quota: int) -> None:
        """Keep a new file and its blob. Neither id may be known yet. Raises QuotaExceeded."""

    async def find(self, owner: str, file_id: str) -> File | None:
        """The file if it is `owner`'s, also when its time is up."""

    async def find_all(self, owner: str, file_ids: Sequence[str]) -> Sequence[File]:
        """Those of the files that are `owner`'s, each once and in no particular order, also when their time is up."""

    async def list(self, owner: str, page: PageRequest, purpose: FilePurpose | None, now: int) -> Page[File]:
        """A page of `owner`'s files that have not expired at `now`, only those of `purpose` if one is given.

        Raises NotFound when `page.after` is not the id of such a file, of whatever purpose.
        """

    async def remove(self, owner: str, file_id: str) -> str | None:
        """Forget the file if it is `owner`'s. The id of its blob, None when there was no such file."""

    async def due(self, now: int) -> Sequence[File]:
        """Files whose time is up at `now`, the longest overdue first; some hundred at most, so ask again."""


class UploadStore(Protocol):
    """The records of uploads and their parts."""

    async def add(self, upload: Upload) -> None:
        """Keep a new, pending upload. Its id must not be known yet."""

    async def find(self, owner: str, upload_id: str) -> Upload | None:
        """The upload if it is `owner`'s, whatever its status, with its file if that still exists."""

    async def add_part(self, owner: str, part: UploadPart, quota: int) -> bool:
        """Keep a new part and its blob if the upload is `owner`'s and pending. Whether it was.

        Raises QuotaExceeded.
        """

    async def parts(self, upload_id: str) -> Sequence[UploadPart]:
        """All parts of the upload, the oldest first."""

    async def complete(self, upload_id: str, file: File, quota: int) -> Sequence[str] | None:
        """Turn a pending upload into `file`, in one step: the file and its blob come, all parts and theirs go.

        The ids of the parts' blobs, None when it was not pending any more and nothing has changed. The parts no
        longer count when it is decided whether there is room for the file. Raises QuotaExceeded.
        """

    async def close(
        self, upload_id: str, status: Literal[UploadStatus.CANCELLED, UploadStatus.EXPIRED]
    ) -> Sequence[str] | None:
        """End a pending upload without a file and forget its parts, in one step.

        The ids of the parts' blobs, None when it was not pending any more and nothing has changed.
        """

    async def due(self, now: int) -> Sequence[Upload]:
        """Pending uploads whose time is up at `now`, the longest overdue first; some hundred at most, so ask again."""


class SkillStore(Protocol):
    """The records of skills and their versions. A skill has one version at least, and a number is given once only."""

    async def add(self, skill: Skill, version: SkillVersion, quota: int) -> None:
        """Keep a new skill with its first version, which is the default, and that version's blob.

        Raises QuotaExceeded.
        """

    async def add_version(self, owner: str, draft: SkillVersion, *, make_default: bool, quota: int) -> SkillVersion:
        """Keep a new version of `owner`'s skill and its blob, and return it as kept: its number is given here.

        Raises NotFound when `owner` has no such skill, and QuotaExceeded.
        """

    async def find(self, owner: str, skill_id: str) -> Skill | None:
        """The skill if it is `owner`'s."""

    async def find_version(self, owner: str, skill_id: str, number: int) -> SkillVersion | None:
        """That version of the skill if it is `owner`'s."""

    async def find_all(self, owner: str, skill_ids: Sequence[str]) -> Sequence[Skill]:
        """Those of the skills that are `owner`'s, each once and in no particular order."""

    async def find_versions(self, owner: str, wanted: Sequence[tuple[str, int]]) -> Sequence[SkillVersion]:
        """Those of the versions, each a skill's id and a number, that are `owner`'s; else as `find_all`."""

    async def list(self, owner: str, page: PageRequest) -> Page[Skill]:
        """A page of `owner`'s skills. Raises NotFound when `page.after` is not the id of one."""

    async def versions(self, owner: str, skill_id: str, page: PageRequest) -> Page[SkillVersion]:
        """A page of the versions of `owner`'s skill, ordered by their numbers; empty when there is no such skill.

        Raises NotFound when `page.after` is not the id of one of them.
        """

    async def set_default(self, owner: str, skill_id: str, number: int) -> Skill | None:
        """Make that version the default. None when `owner` has no such skill, or it no such version."""

    async def remove(self, owner: str, skill_id: str) -> Sequence[str] | None:
        """Forget the skill and its versions if it is `owner`'s. The ids of their blobs, None when there was none."""

    async def remove_version(self, owner: str, skill_id: str, number: int) -> SkillVersion | None:
        """Forget that version, and the skill if it was its only one. None when there was none.

        Raises InvalidInput when it is the default and the skill has others.
        """


@dataclass(frozen=True, slots=True)
class Store:
    """An open database.

    `instance_id` is a random id of this installation, made with the database and never changed. It labels
    engine objects, so that two services on one engine leave each other's alone.
    """

    containers: ContainerStore
    container_files: ContainerFileStore
    keys: KeyStore
    blobs: BlobRecords
    files: FileStore
    uploads: UploadStore
    skills: SkillStore
    instance_id: str
