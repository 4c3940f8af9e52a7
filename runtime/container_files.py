"""The files of containers: put there by callers, or made by code."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import replace
from weakref import WeakValueDictionary

from runtime.containers import ContainerService, Lease
from runtime.errors import NotFound
from runtime.file_copies import PREFIX, FileCopies, users_file
from runtime.ids import is_container_file_id
from runtime.names import safe_name
from runtime.pieces import limited
from runtime.sandbox_files import ReadingFile, WritingFile
from runtime.store.base import ContainerFileStore, SeenFile
from runtime.values import Container, ContainerFile, Page, PageRequest

MAX_LISTED = 10_000  # files of one container; a sandbox may hold millions


class FileContent:
    """A file's bytes, to be iterated once and closed; `file.size` of them, or an error."""

    def __init__(self, file: ContainerFile, reading: ReadingFile, lease: Lease) -> None:
        self.file = file
        self._reading = reading
        self._lease = lease

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._reading.pieces()

    async def aclose(self) -> None:
        """Read no more; idempotent."""
        self._reading.close()
        self._lease.close()


class ContainerFileService:
    """What callers do with files. All raise NotFound and ContainerExpired as ContainerService.use does."""

    def __init__(
        self, store: ContainerFileStore, containers: ContainerService, copies: FileCopies, max_bytes: int
    ) -> None:
        self._store = store
        self._containers = containers
        self._copies = copies
        self._max_bytes = max_bytes
        # Held while the records follow what is in a sandbox: a listing must not miss a file that is just being added.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def upload(self, owner: str, container_id: str, filename: str, body: AsyncIterable[bytes]) -> ContainerFile:
        """A new file, whole or not at all. A name that is taken gets a number: `report-1.csv`.

        Raises TooLarge and StorageFull, and whatever `body` raises.
        """
        with await self._containers.use(owner, container_id) as lease:
            writing = await lease.sandbox.write(safe_name(filename), limited(body, self._max_bytes, "file"))
            return await self._finish(container_id, writing)

    async def copy(self, owner: str, container_id: str, file_id: str) -> ContainerFile:
        """A new file that is a copy of one of the owner's, under that one's name; else as `upload`.

        Raises NotFound, of the param `file_id`, when there is no such file.
        """
        with await self._containers.use(owner, container_id) as lease:
            return await self._finish(container_id, await self._copies.send(owner, file_id, lease.sandbox))

    async def list(self, owner: str, container_id: str, page: PageRequest) -> Page[ContainerFile]:
        """A page of the files that are there now."""
        with await self._containers.use(owner, container_id) as lease:
            async with self._lock(container_id):
                found = await lease.sandbox.list(MAX_LISTED)
                seen = [
                    SeenFile(PREFIX + file.path, file.size, _made_at(file.modified_at, lease.container))
                    for file in found
                ]
                await self._store.sync(container_id, seen)
            return await self._store.list(container_id, page)

    async def retrieve(self, owner: str, container_id: str, file_id: str) -> ContainerFile:
        """The file's record, with the size it has now."""
        content = await self.read(owner, container_id, file_id)
        await content.aclose()
        return content.file

    async def read(self, owner: str, container_id: str, file_id: str) -> FileContent:
        """The file's bytes."""
        lease = await self._containers.use(owner, container_id)
        try:
            file = await self._find(container_id, file_id)
            try:
                reading = await lease.sandbox.read(file.path.removeprefix(PREFIX))
            except NotFound:
                raise _not_found(container_id, file_id) from None
        except BaseException:
            lease.close()
            raise
        return FileContent(replace(file, size=reading.size), reading, lease)

    async def delete(self, owner: str, container_id: str, file_id: str) -> None:
        """Remove the file from the container."""
        with await self._containers.use(owner, container_id) as lease:
            file = await self._find(container_id, file_id)
            try:
                await lease.sandbox.remove(file.path.removeprefix(PREFIX))
            except NotFound:
                raise _not_found(container_id, file_id) from None
            finally:
                await self._store.remove(container_id, file_id)

    async def _finish(self, container_id: str, writing: WritingFile) -> ContainerFile:
        try:
            async with self._lock(container_id):
                return await self._store.add(users_file(container_id, *await writing.finish()))
        finally:
            writing.close()

    async def _find(self, container_id: str, file_id: str) -> ContainerFile:
        file = await self._store.get(container_id, file_id) if is_container_file_id(file_id) else None
        if file is None:
            raise _not_found(container_id, file_id)
        return file

    def _lock(self, container_id: str) -> asyncio.Lock:
        return self._locks.setdefault(container_id, asyncio.Lock())


def _not_found(container_id: str, file_id: str) -> NotFound:
    return NotFound(f"File {file_id} not found on container {container_id}.")


def _made_at(modified_at: int, container: Container) -> int:
    """When a file was made, as far as what the sandbox says of its last change can be true."""
    return min(max(modified_at, container.created_at), int(time.time()))
