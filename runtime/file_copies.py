"""Copies of files in containers. They are the container's own: what becomes of the file doesn't touch them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing

from runtime.file_values import File
from runtime.files import FileService
from runtime.ids import new_container_file_id
from runtime.missing import no_such_file
from runtime.names import safe_name
from runtime.params import at_param
from runtime.sandbox import ROOT, Sandbox
from runtime.sandbox_files import WritingFile
from runtime.store.base import ContainerFileStore
from runtime.values import ContainerFile, FileSource

PREFIX = f"{ROOT}/".encode()
"""What the paths of files in containers begin with, in front of those that sandboxes know them by."""

SENT_AT_A_TIME = 4  # into one sandbox: the storage and the link both have something to do, and memory stays small


class FileCopies:
    """Finds the files that a caller wants copied, and puts them into sandboxes."""

    def __init__(self, files: FileService, records: ContainerFileStore) -> None:
        self._files = files
        self._records = records

    async def find_all(self, owner: str, file_ids: Sequence[str]) -> Sequence[File]:
        """The owner's files, in that order, each once. Raises NotFound for the first that isn't there."""
        found = await self._files.find_all(owner, file_ids)
        for index, file_id in enumerate(file_ids):
            with at_param(f"file_ids[{index}]"):
                if file_id not in found:
                    raise no_such_file(file_id)
        return [found[file_id] for file_id in dict.fromkeys(file_ids)]

    async def send(self, owner: str, file_id: str, sandbox: Sandbox) -> WritingFile:
        """Send a file's bytes into a sandbox. Raises NotFound and StorageFull."""
        with at_param("file_id"):
            return await self._send(await self._files.retrieve(owner, file_id), sandbox)

    async def put_all(self, files: Sequence[File], container_id: str, sandbox: Sandbox) -> None:
        """Copy files into a container that nobody else uses yet. Raises NotFound and StorageFull: then some are there.

        Some are sent at the same time, then all get their names in order: of two with one name the first keeps it.
        No answer is waited for before the last of them is sent and named; a channel for all wouldn't be faster.
        """
        at_a_time = asyncio.Semaphore(SENT_AT_A_TIME)

        async def send(file: File) -> WritingFile:
            async with at_a_time:
                return await self._send(file, sandbox)

        try:
            async with asyncio.TaskGroup() as group:
                sending = [group.create_task(send(file)) for file in files]
        except ExceptionGroup as failures:
            with at_param("file_ids"):
                raise failures.exceptions[0] from None
        sent = [task.result() for task in sending]
        for writing in sent:
            writing.end()
        await self._records.add_all([users_file(container_id, *await writing.ended()) for writing in sent])

    async def _send(self, file: File, sandbox: Sandbox) -> WritingFile:
        async with aclosing(await self._files.read(file)) as content:
            return await sandbox.write(safe_name(file.filename), content)


def users_file(container_id: str, path: bytes, size: int) -> ContainerFile:
    """The record of a file that a caller has just put into a container; `path` is below ROOT."""
    return ContainerFile(
        id=new_container_file_id(),
        container_id=container_id,
        path=PREFIX + path,
        size=size,
        created_at=int(time.time()),
        source=FileSource.USER,
    )
