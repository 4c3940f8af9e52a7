"""What services ask of the storage of blobs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from typing import Protocol


class BlobStore(Protocol):
    """Blobs: bytes under an id, written once, whole or not at all, and never changed.

    Ids are made by `runtime.ids.new_blob_id`; nobody writes one twice. A transfer takes a few MiB of memory, however
    large the blob. All calls raise StorageUnavailable when the storage doesn't answer, or not as it should.
    """

    async def write(self, blob_id: str, pieces: AsyncIterable[bytes]) -> int:
        """Keep a blob and return its size in bytes. It is safe from a crash of the machine when this returns.

        If `pieces` raises, or the task is cancelled, nothing is kept and the same is raised from here; closing
        `pieces` is the caller's. Raises StorageFull when there is no room.
        """

    async def read(self, blob_id: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        """The bytes from `start` up to `end`, which is excluded; None is the blob's end, and so is all beyond it.

        The blob is open when this returns: NotFound is raised here, and a removal afterwards takes nothing away from
        the reader. The caller closes the generator, or reads it to its end.
        """

    async def remove(self, blob_id: str) -> None:
        """Remove a blob. Does nothing when there is none."""

    def list(self) -> AsyncIterator[str]:
        """The ids of all blobs that are whole, in no particular order.

        Those written or removed since it began may be among them or not.
        """
