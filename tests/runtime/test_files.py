"""Files, from the body to the last byte that is left of them, on every kind of storage."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from runtime.blobs.folder import FolderBlobStore
from runtime.errors import InvalidInput, NotFound, QuotaExceeded, TooLarge
from runtime.file_values import File, FilePurpose, FileSpec
from runtime.files import BATCH_SECONDS, FileService
from runtime.storage import Storage
from runtime.store.base import Store
from runtime.values import PageRequest
from tests.memory import MIB, growth
from tests.runtime.agreement import agreed, cancelled, moments, seconds
from tests.runtime.blobs.storages import Storage as Place
from tests.runtime.blobs.storages import body, joined
from tests.runtime.bodies import EndlessBody, Interruption, PausedBody
from tests.runtime.conftest import QUOTA
from tests.runtime.flaky_blobs import FlakyBlobStore

OWNER = "key_1"
MAX = 70_000


@pytest.fixture
def files(store: Store, storage: Storage) -> FileService:
    """The service, on every kind of storage."""
    return FileService(store.files, storage, MAX)


def spec(
    filename: str = "a.csv", purpose: FilePurpose = FilePurpose.USER_DATA, lasts: int | None = None
) -> Callable[[], FileSpec]:
    """What a form says of its file once it has ended."""
    return lambda: FileSpec(filename, purpose, lasts)


async def read(files: FileService, file: File, start: int = 0, end: int | None = None) -> bytes:
    """Some bytes of a file."""
    async with aclosing(await files.read(file, start, end)) as pieces:
        return await joined(pieces)


async def test_there_and_back(files: FileService, store: Store, place: Place) -> None:
    """A file comes back as it went in, whole or in part, by its record or in the list, until it is deleted."""
    before = int(time.time())
    made = await files.create(OWNER, body(b"some", b" bytes"), spec("naïve \n../x.csv", FilePurpose.VISION))
    assert (made.owner, made.filename, made.purpose, made.size) == (OWNER, "naïve \n../x.csv", FilePurpose.VISION, 10)
    assert before <= made.created_at <= time.time()
    assert made.expires_at is None
    assert await files.retrieve(OWNER, made.id) == made
    assert (await files.list(OWNER, PageRequest())).data == [made]
    assert await read(files, made) == b"some bytes"
    assert await read(files, made, 2, 7) == b"me by"
    await files.delete(OWNER, made.id)
    assert (await files.list(OWNER, PageRequest())).data == []
    assert await agreed(place, store) == set()


async def test_purposes(files: FileService) -> None:
    """The list can be narrowed to a purpose."""
    made = [await files.create(OWNER, body(b"x"), spec(purpose=purpose)) for purpose in FilePurpose]
    assert {file.id for file in (await files.list(OWNER, PageRequest())).data} == {file.id for file in made}
    for file in made:
        assert (await files.list(OWNER, PageRequest(), file.purpose)).data == [file]


@pytest.mark.parametrize("file_id", ["", "file-unknown", "file-" + 22 * "é", "file-" + 22 * "1"])
async def test_unknown(files: FileService, file_id: str) -> None:
    """An id that is none, or of no file, is not found."""
    for refused in (files.retrieve(OWNER, file_id), files.delete(OWNER, file_id)):
        with pytest.raises(NotFound, match="No such File object") as caught:
            await refused
        assert caught.value.param == "id"


async def test_others(files: FileService) -> None:
    """A file of somebody else's doesn't exist."""
    made = await files.create(OWNER, body(b"x"), spec())
    assert (await files.list("key_2", PageRequest())).data == []
    for refused in (files.retrieve("key_2", made.id), files.delete("key_2", made.id)):
        with pytest.raises(NotFound):
            await refused
    with pytest.raises(NotFound):
        await files.list("key_2", PageRequest(after=made.id))
    assert await read(files, made) == b"x"


async def test_deleted(files: FileService) -> None:
    """A file that is deleted is not found, not even to read it by a record that is older."""
    made = await files.create(OWNER, body(b"x"), spec())
    await files.delete(OWNER, made.id)
    for refused in (files.retrieve(OWNER, made.id), files.delete(OWNER, made.id), files.read(made)):
        with pytest.raises(NotFound, match=f"^No such File object: {made.id}$"):
            await refused


async def test_deleted_at_once(files: FileService, store: Store, place: Place) -> None:
    """Of several deletions at the same time one succeeds, and who reads the file already reads it to its end."""
    made = await files.create(OWNER, body(b"some bytes"), spec())
    reading = await files.read(made)
    outcomes = await asyncio.gather(*(files.delete(OWNER, made.id) for _ in range(5)), return_exceptions=True)
    assert sorted(map(repr, map(type, outcomes))) == sorted(map(repr, [type(None), *[NotFound] * 4]))
    assert await joined(reading) == b"some bytes"
    assert await agreed(place, store) == set()


async def test_a_deletion_whose_bytes_stay(
    files: FileService, store: Store, place: Place, storage: Storage, flaky: FlakyBlobStore
) -> None:
    """When the bytes can't be removed the file is gone all the same, and they go with the next collection."""
    made = await files.create(OWNER, body(b"x"), spec())
    flaky.stuck = True
    await files.delete(OWNER, made.id)
    with pytest.raises(NotFound):
        await files.retrieve(OWNER, made.id)
    assert place.traces() == [made.blob_id]
    flaky.stuck = False
    await storage.collect()
    assert await agreed(place, store) == set()


async def test_expiry(files: FileService, store: Store, place: Place) -> None:
    """A file whose time is up is not found from that second on, and its bytes go with the next sweep."""
    stays = await files.create(OWNER, body(b"x"), spec(lasts=3600))
    assert stays.expires_at == stays.created_at + 3600
    gone = await files.create(OWNER, body(b"x"), spec(lasts=0))
    for refused in (files.retrieve(OWNER, gone.id), files.delete(OWNER, gone.id)):
        with pytest.raises(NotFound):
            await refused
    assert (await files.list(OWNER, PageRequest())).data == [stays]
    assert await agreed(place, store) == {stays.blob_id, gone.blob_id}
    await files.expire_due()
    assert await agreed(place, store) == {stays.blob_id}
    assert await files.retrieve(OWNER, stays.id) == stays


async def test_files_for_batches_expire(files: FileService) -> None:
    """A file for batches lasts 30 days unless it is asked for something else."""
    usual = await files.create(OWNER, body(), spec(purpose=FilePurpose.BATCH))
    assert usual.expires_at == usual.created_at + BATCH_SECONDS
    brief = await files.create(OWNER, body(), spec(purpose=FilePurpose.BATCH, lasts=4000))
    assert brief.expires_at == brief.created_at + 4000


async def test_bodies_that_fail(files: FileService, store: Store, place: Place) -> None:
    """A body that fails or is too large, or a form that turns out to be wrong after it, leaves nothing."""

    def wrong() -> FileSpec:
        raise InvalidInput("Missing required parameter: 'purpose'.")

    refused: list[tuple[type[Exception], AsyncIterable[bytes], Callable[[], FileSpec]]] = [
        (Interruption, body(b"some", error=Interruption()), spec()),
        (TooLarge, body(bytes(MAX), b"x"), spec()),
        (TooLarge, EndlessBody(), spec()),
        (InvalidInput, body(b"whole"), wrong),
    ]
    for error, failing, form in refused:
        with pytest.raises(error):
            await files.create(OWNER, failing, form)
    assert await agreed(place, store) == set()
    assert (await files.create(OWNER, body(bytes(MAX)), spec())).size == MAX


async def test_the_form_is_asked_at_the_end(files: FileService) -> None:
    """What a form says after its file counts."""
    fields: dict[str, FilePurpose] = {}

    async def form() -> AsyncGenerator[bytes]:
        yield b"bytes"
        fields["purpose"] = FilePurpose.EVALS

    made = await files.create(OWNER, form(), lambda: FileSpec("a", fields["purpose"]))
    assert made.purpose is FilePurpose.EVALS


async def test_quota(files: FileService, store: Store, place: Place) -> None:
    """Of two files with room for one, the second to end is refused; a deletion makes room again."""
    first, second = PausedBody(b"", bytes(60_000)), PausedBody(b"", bytes(60_000))
    tasks = [asyncio.create_task(files.create(OWNER, paused, spec())) for paused in (first, second)]
    for paused in (first, second):
        await paused.paused.wait()
    first.go_on.set()
    made = await tasks[0]
    second.go_on.set()
    with pytest.raises(QuotaExceeded):
        await tasks[1]
    endless = EndlessBody()
    with pytest.raises(QuotaExceeded):
        await files.create(OWNER, endless, spec())
    assert endless.size == QUOTA - made.size + 1000
    assert await agreed(place, store) == {made.blob_id}
    await files.delete(OWNER, made.id)
    await files.create(OWNER, body(bytes(60_000)), spec())


async def test_cancelled_anywhere(files: FileService, store: Store, place: Place) -> None:
    """Whatever making or deleting a file is at when it is cancelled: the record and the bytes are there, or neither."""
    data = bytes(1000)
    took = await seconds(files.create(OWNER, body(data), spec()))
    for moment in moments(took, 40):
        await cancelled(files.create(OWNER, body(data), spec()), moment)
    await agreed(place, store)
    made = [await files.create(OWNER, body(data), spec()) for _ in range(20)]
    took = await seconds(files.delete(OWNER, made[0].id))
    for file, moment in zip(made[1:], moments(took, 19), strict=True):
        await cancelled(files.delete(OWNER, file.id), moment)
    await agreed(place, store)


async def test_memory(store: Store, tmp_path: Path) -> None:
    """The largest file there may be is never held in memory, neither on its way in nor on its way out."""
    size = 512 * MIB
    files = FileService(store.files, Storage(await FolderBlobStore.open(tmp_path / "blobs"), store.blobs, size), size)
    piece = os.urandom(64 * 1024)
    await files.create(OWNER, body(b""), spec())
    with growth(os.getpid(), "a file of 512 MiB") as grown:
        made = await files.create(OWNER, body(*[piece] * (size // len(piece))), spec())
        async with aclosing(await files.read(made)) as pieces:
            assert sum([len(found) async for found in pieces]) == size
    assert grown() < 64 * MIB
