"""Uploads, from the first part to the file, on every kind of storage."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from runtime.blobs.base import BlobStore
from runtime.blobs.folder import FolderBlobStore
from runtime.errors import InvalidInput, NotFound, QuotaExceeded, TooLarge
from runtime.file_values import File, FilePurpose, FileSpec, Upload, UploadPart, UploadSpec, UploadStatus
from runtime.files import BATCH_SECONDS
from runtime.ids import new_part_id, new_upload_id
from runtime.storage import Storage
from runtime.store.base import Store
from runtime.uploads import LIFETIME_SECONDS, MAX_BYTES, MAX_PART_BYTES, UploadService
from tests.memory import MIB, growth
from tests.runtime.agreement import agreed, cancelled, moments, seconds
from tests.runtime.blobs.storages import Storage as Place
from tests.runtime.blobs.storages import body, content
from tests.runtime.bodies import EndlessBody, Interruption, PausedBody
from tests.runtime.conftest import QUOTA
from tests.runtime.flaky_blobs import FlakyBlobStore
from tests.runtime.store.records import part, upload

OWNER = "key_1"


@pytest.fixture
def uploads(store: Store, storage: Storage) -> UploadService:
    """The service, on every kind of storage."""
    return UploadService(store.uploads, storage)


def spec(size: int, purpose: FilePurpose = FilePurpose.USER_DATA, lasts: int | None = None) -> UploadSpec:
    """What is announced."""
    return UploadSpec(FileSpec("naïve.jsonl", purpose, lasts), size, "text/jsonl")


def md5(data: bytes) -> str:
    """The checksum as clients send it."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


async def begun(uploads: UploadService, *parts: bytes) -> tuple[Upload, list[str]]:
    """An upload with all its parts, and their ids."""
    made = await uploads.create(OWNER, spec(sum(map(len, parts))))
    return made, [(await uploads.add_part(OWNER, made.id, body(data))).id for data in parts]


def file_of(upload: Upload) -> File:
    """The file that an upload has become."""
    assert upload.file is not None
    return upload.file


async def test_parts_become_a_file(uploads: UploadService, store: Store, place: Place, flaky: FlakyBlobStore) -> None:
    """An upload lasts an hour, takes parts, and becomes a file of theirs: their bytes are stored once only."""
    made = await uploads.create(OWNER, spec(9))
    assert (made.owner, made.spec, made.status, made.file) == (OWNER, spec(9), UploadStatus.PENDING, None)
    assert made.expires_at == made.created_at + LIFETIME_SECONDS
    parts = [await uploads.add_part(OWNER, made.id, body(data)) for data in (b"one", b"two", b"six")]
    assert all((part.upload_id, part.size) == (made.id, 3) for part in parts)
    completed = await uploads.complete(OWNER, made.id, [part.id for part in parts])
    file = file_of(completed)
    assert (completed.status, file.size, file.owner, file.filename) == (
        UploadStatus.COMPLETED,
        9,
        OWNER,
        "naïve.jsonl",
    )
    assert await store.files.find(OWNER, file.id) == file
    assert await content(flaky, file.blob_id) == b"onetwosix"
    assert await agreed(place, store) == {file.blob_id}


async def test_order(uploads: UploadService, flaky: FlakyBlobStore, store: Store, place: Place) -> None:
    """The order is that of the ids, not of the arrival; parts that aren't among them are dropped."""
    made = await uploads.create(OWNER, spec(6))
    one, again, two = [await uploads.add_part(OWNER, made.id, body(data)) for data in (b"one", b"ONE", b"two")]
    assert one.id != again.id
    file = file_of(await uploads.complete(OWNER, made.id, [two.id, one.id]))
    assert await content(flaky, file.blob_id) == b"twoone"
    assert await agreed(place, store) == {file.blob_id}


async def test_nothing_is_a_file_too(uploads: UploadService) -> None:
    """An upload of no bytes needs no part, and may have an empty one."""
    for parts in ([], [b""]):
        made, part_ids = await begun(uploads, *parts)
        assert file_of(await uploads.complete(OWNER, made.id, part_ids)).size == 0


async def test_expiry_of_the_file(uploads: UploadService) -> None:
    """The file lasts as it would if it had come at once."""
    for wanted, lasts in [(spec(0), None), (spec(0, lasts=3600), 3600), (spec(0, FilePurpose.BATCH), BATCH_SECONDS)]:
        made = await uploads.create(OWNER, wanted)
        file = file_of(await uploads.complete(OWNER, made.id, []))
        assert file.expires_at == (lasts and file.created_at + lasts)


async def test_md5(uploads: UploadService, store: Store, place: Place) -> None:
    """A checksum that is right in either letter case is accepted; a wrong one leaves the upload as it was."""
    right = md5(b"onetwo")
    made, part_ids = await begun(uploads, b"one", b"two")
    for wrong in (md5(b"twoone"), right[:-1], "", "ü"):
        with pytest.raises(InvalidInput, match=right) as caught:
            await uploads.complete(OWNER, made.id, part_ids, wrong)
        assert caught.value.param == "md5"
    assert len(await agreed(place, store)) == 2
    await uploads.complete(OWNER, made.id, part_ids, right.upper())
    other, part_ids = await begun(uploads, b"one", b"two")
    await uploads.complete(OWNER, other.id, part_ids, right)
    assert len(await agreed(place, store)) == 2


async def test_parts_that_cannot_be_the_file(uploads: UploadService, store: Store, place: Place) -> None:
    """A part twice, of another upload or of none, or sizes that don't match, are refused; nothing has changed then."""
    made, (one, two) = await begun(uploads, b"one", b"two")
    _, (others, _) = await begun(uploads, b"two", b"six")
    wrong = [
        ([one, one], "part_ids[1]", "twice"),
        ([one, two, one], "part_ids[2]", "twice"),
        ([one, others], "part_ids[1]", "not a part"),
        ([new_part_id(), two], "part_ids[0]", "not a part"),
        (["", two], "part_ids[0]", "not a part"),
        ([one], "part_ids", "3 bytes together, but 6 were announced"),
        ([], "part_ids", "0 bytes"),
    ]
    for part_ids, param, message in wrong:
        with pytest.raises(InvalidInput, match=message) as caught:
            await uploads.complete(OWNER, made.id, part_ids)
        assert caught.value.param == param
    assert len(await agreed(place, store)) == 4
    await uploads.complete(OWNER, made.id, [one, two])


async def test_more_than_announced(uploads: UploadService) -> None:
    """Parts may be more than the file, but not be made into it."""
    made = await uploads.create(OWNER, spec(5))
    one, two = [(await uploads.add_part(OWNER, made.id, body(data))).id for data in (b"one", b"two")]
    with pytest.raises(InvalidInput, match="6 bytes together, but 5 were announced"):
        await uploads.complete(OWNER, made.id, [one, two])


@pytest.mark.parametrize(
    ("announced", "allowed"), [(4000, 4000), (MAX_PART_BYTES, MAX_PART_BYTES), (MAX_BYTES, MAX_PART_BYTES)]
)
async def test_size_of_a_part(store: Store, tmp_path: Path, announced: int, allowed: int) -> None:
    """A part that is larger than any may be, or than the whole file, is refused as soon as that is known."""
    place = await FolderBlobStore.open(tmp_path / "blobs")
    uploads = UploadService(store.uploads, Storage(place, store.blobs, MAX_BYTES))
    made = await uploads.create(OWNER, spec(announced))
    endless = EndlessBody()
    with pytest.raises(TooLarge, match=f"{allowed} bytes") as caught:
        await uploads.add_part(OWNER, made.id, endless)
    assert caught.value.param == "data"
    assert allowed < endless.size <= allowed + 1000
    assert await store.uploads.parts(made.id) == []
    assert (await uploads.add_part(OWNER, made.id, body(bytes(allowed)))).size == allowed


async def test_size_of_an_upload(uploads: UploadService, store: Store) -> None:
    """Neither what is announced nor all parts together may be more than 8 GB."""
    with pytest.raises(InvalidInput, match=f"{MAX_BYTES} bytes") as caught:
        await uploads.create(OWNER, spec(MAX_BYTES + 1))
    assert caught.value.param == "bytes"
    made = await uploads.create(OWNER, spec(MAX_BYTES))
    await store.uploads.add_part(OWNER, part(made.id, size=MAX_BYTES - 3), MAX_BYTES)
    with pytest.raises(TooLarge):
        await uploads.add_part(OWNER, made.id, body(b"four"))


async def test_quota(uploads: UploadService, store: Store, place: Place) -> None:
    """Parts count for their key; to be put together they need no further room."""
    made, part_ids = await begun(uploads, bytes(60_000), bytes(40_000))
    with pytest.raises(QuotaExceeded):
        await uploads.add_part(OWNER, made.id, body(b"x"))
    file = file_of(await uploads.complete(OWNER, made.id, part_ids))
    assert file.size == QUOTA
    assert await agreed(place, store) == {file.blob_id}


async def test_quota_of_two_parts_at_once(uploads: UploadService, store: Store, place: Place) -> None:
    """Of two parts with room for one, the second to end is refused."""
    made = await uploads.create(OWNER, spec(QUOTA))
    first, second = PausedBody(b"", bytes(60_000)), PausedBody(b"", bytes(60_000))
    tasks = [asyncio.create_task(uploads.add_part(OWNER, made.id, paused)) for paused in (first, second)]
    for paused in (first, second):
        await paused.paused.wait()
    first.go_on.set()
    added = await tasks[0]
    second.go_on.set()
    with pytest.raises(QuotaExceeded):
        await tasks[1]
    assert await agreed(place, store) == {added.blob_id}


async def test_a_part_that_fails(uploads: UploadService, store: Store, place: Place) -> None:
    """A body that fails or is cancelled leaves no part, and the upload as it was."""
    made, part_ids = await begun(uploads, b"one")
    with pytest.raises(Interruption):
        await uploads.add_part(OWNER, made.id, body(b"x", error=Interruption()))
    paused = PausedBody(b"x")
    task = asyncio.create_task(uploads.add_part(OWNER, made.id, paused))
    await paused.paused.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(await agreed(place, store)) == 1
    await uploads.complete(OWNER, made.id, part_ids)


async def test_cancel(uploads: UploadService, store: Store, place: Place) -> None:
    """What has come is dropped."""
    made, _ = await begun(uploads, b"one", b"two")
    cancelled = await uploads.cancel(OWNER, made.id)
    assert (cancelled.id, cancelled.status, cancelled.file) == (made.id, UploadStatus.CANCELLED, None)
    assert await agreed(place, store) == set()


def everything(
    uploads: UploadService, owner: str, upload_id: str, part_ids: list[str]
) -> list[Callable[[], Awaitable[object]]]:
    """All that can be done with an upload."""
    return [
        lambda: uploads.add_part(owner, upload_id, body(b"x")),
        lambda: uploads.complete(owner, upload_id, part_ids),
        lambda: uploads.cancel(owner, upload_id),
    ]


@pytest.mark.parametrize("status", [UploadStatus.COMPLETED, UploadStatus.CANCELLED, UploadStatus.EXPIRED])
async def test_not_pending(uploads: UploadService, store: Store, place: Place, status: UploadStatus) -> None:
    """An upload that has ended takes no part and doesn't end another time, and says why."""
    made, part_ids = await begun(uploads, b"one")
    if status is UploadStatus.COMPLETED:
        await uploads.complete(OWNER, made.id, part_ids)
    elif status is UploadStatus.CANCELLED:
        await uploads.cancel(OWNER, made.id)
    else:
        made = upload()
        await store.uploads.add(made)
    before = await store.blobs.ids()
    for refused in everything(uploads, OWNER, made.id, part_ids):
        with pytest.raises(InvalidInput, match=f"{made.id} is not pending any more: it is {status}"):
            await refused()
    assert await agreed(place, store) == before


async def test_others(uploads: UploadService) -> None:
    """An upload that is unknown, or somebody else's, doesn't exist."""
    made, part_ids = await begun(uploads, b"one")
    for owner, upload_id in [("key_2", made.id), (OWNER, new_upload_id()), (OWNER, "upload_é"), (OWNER, "")]:
        for refused in everything(uploads, owner, upload_id, part_ids):
            with pytest.raises(NotFound, match=re.escape(f"No such Upload object: {upload_id}")):
                await refused()
    await uploads.complete(OWNER, made.id, part_ids)


async def test_expiry(uploads: UploadService, store: Store, place: Place, flaky: FlakyBlobStore) -> None:
    """The parts of an upload whose time is up go with the next sweep, those of others stay."""
    overdue = upload()
    await store.uploads.add(overdue)
    late = part(overdue.id)
    await store.uploads.add_part(OWNER, late, QUOTA)
    await flaky.write(late.blob_id, body(b"bytes"))
    made, part_ids = await begun(uploads, b"one")
    await uploads.expire_due()
    assert len(await agreed(place, store)) == 1
    found = await store.uploads.find(OWNER, overdue.id)
    assert found is not None
    assert found.status is UploadStatus.EXPIRED
    await uploads.complete(OWNER, made.id, part_ids)


async def test_completed_at_once(uploads: UploadService, store: Store, place: Place) -> None:
    """Of several completions at the same time one makes a file, the others are refused."""
    made, part_ids = await begun(uploads, b"one", b"two")
    outcomes = await asyncio.gather(
        *(uploads.complete(OWNER, made.id, part_ids) for _ in range(5)), return_exceptions=True
    )
    (completed,) = (outcome for outcome in outcomes if isinstance(outcome, Upload))
    assert sum(isinstance(outcome, InvalidInput) for outcome in outcomes) == 4
    assert await agreed(place, store) == {file_of(completed).blob_id}


async def test_ended_at_once(uploads: UploadService, store: Store, place: Place) -> None:
    """Completion, cancellation and one more part at the same time: one ends the upload, and all agrees with it."""
    for number in range(10):
        made, part_ids = await begun(uploads, b"one", b"two")
        calls = [everything(uploads, OWNER, made.id, part_ids)[(number + turn) % 3]() for turn in range(3)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        ended = [outcome for outcome in outcomes if isinstance(outcome, Upload)]
        assert len(ended) == 1
        assert all(isinstance(outcome, Upload | UploadPart | InvalidInput) for outcome in outcomes)
        found = await store.uploads.find(OWNER, made.id)
        assert found == ended[0]
        await agreed(place, store)


class PausedBlobStore(FlakyBlobStore):
    """Another BlobStore, which waits before a read from the second on. `reads` is how many there were."""

    def __init__(self, blobs: BlobStore) -> None:
        super().__init__(blobs)
        self.paused, self.go_on = asyncio.Event(), asyncio.Event()
        self.reads = 0

    async def read(self, blob_id: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        """See BlobStore."""
        self.reads += 1
        if self.reads > 1:
            self.paused.set()
            await self.go_on.wait()
        return await super().read(blob_id, start, end)


async def test_put_together_once(store: Store, place: Place) -> None:
    """Who asks for a completion that is under way waits for it, rather than to copy all parts another time."""
    blobs = PausedBlobStore(await place.open())
    uploads = UploadService(store.uploads, Storage(blobs, store.blobs, QUOTA))
    made, part_ids = await begun(uploads, b"one", b"two")
    completing = [asyncio.create_task(uploads.complete(OWNER, made.id, part_ids)) for _ in range(3)]
    await blobs.paused.wait()
    blobs.go_on.set()
    outcomes = await asyncio.gather(*completing, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Upload, InvalidInput, InvalidInput]
    assert blobs.reads == len(part_ids)


async def test_cancelled_while_it_is_completed(store: Store, place: Place) -> None:
    """A cancellation in the middle of a completion wins: there is no file, and no byte left."""
    blobs = PausedBlobStore(await place.open())
    uploads = UploadService(store.uploads, Storage(blobs, store.blobs, QUOTA))
    made, part_ids = await begun(uploads, b"one", b"two", b"six")
    completing = asyncio.create_task(uploads.complete(OWNER, made.id, part_ids))
    await blobs.paused.wait()
    await uploads.cancel(OWNER, made.id)
    blobs.go_on.set()
    with pytest.raises(InvalidInput, match="it is cancelled"):
        await completing
    assert await agreed(place, store) == set()


async def test_a_completion_that_is_given_up(store: Store, place: Place) -> None:
    """A completion whose caller has gone leaves the upload as it was, and it can be completed again."""
    blobs = PausedBlobStore(await place.open())
    uploads = UploadService(store.uploads, Storage(blobs, store.blobs, QUOTA))
    made, part_ids = await begun(uploads, b"one", b"two")
    completing = asyncio.create_task(uploads.complete(OWNER, made.id, part_ids))
    await blobs.paused.wait()
    completing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await completing
    assert len(await agreed(place, store)) == 2
    blobs.go_on.set()
    await uploads.complete(OWNER, made.id, part_ids)
    assert len(await agreed(place, store)) == 1


async def test_a_part_that_comes_too_late(uploads: UploadService, store: Store, place: Place) -> None:
    """A part whose upload ends while it comes is refused, and leaves nothing."""
    made, part_ids = await begun(uploads, b"one")
    paused = PausedBody(b"o", b"ne")
    adding = asyncio.create_task(uploads.add_part(OWNER, made.id, paused))
    await paused.paused.wait()
    completed = await uploads.complete(OWNER, made.id, part_ids)
    paused.go_on.set()
    with pytest.raises(InvalidInput, match="it is completed"):
        await adding
    assert await agreed(place, store) == {file_of(completed).blob_id}


async def test_cancelled_anywhere(uploads: UploadService, store: Store, place: Place) -> None:
    """Whatever is being done when a request is cancelled: records and bytes agree, and the upload can be ended."""
    for which in range(3):
        made, part_ids = await begun(uploads, b"one", b"two")
        took = await seconds(everything(uploads, OWNER, made.id, part_ids)[which]())
        for moment in moments(took, 20):
            made, part_ids = await begun(uploads, b"one", b"two")
            await cancelled(everything(uploads, OWNER, made.id, part_ids)[which](), moment)
            await agreed(place, store)
            with suppress(InvalidInput):
                await uploads.complete(OWNER, made.id, part_ids)
            found = await store.uploads.find(OWNER, made.id)
            assert found is not None
            assert found.status is not UploadStatus.PENDING
            await agreed(place, store)


async def test_memory(store: Store, tmp_path: Path) -> None:
    """Parts are never held in memory: not when they come, nor when they are put together."""
    blobs = await FolderBlobStore.open(tmp_path / "blobs")
    uploads = UploadService(store.uploads, Storage(blobs, store.blobs, MAX_BYTES))
    piece, pieces = os.urandom(64 * 1024), MAX_PART_BYTES // (64 * 1024)
    warm, part_ids = await begun(uploads, piece)
    await uploads.complete(OWNER, warm.id, part_ids)
    with growth(os.getpid(), "an upload of 512 MiB") as grown:
        made = await uploads.create(OWNER, spec(8 * MAX_PART_BYTES))
        part_ids = [(await uploads.add_part(OWNER, made.id, body(*[piece] * pieces))).id for _ in range(8)]
        with pytest.raises(InvalidInput, match="MD5"):
            await uploads.complete(OWNER, made.id, part_ids, md5(piece))
        await uploads.complete(OWNER, made.id, part_ids)
    assert grown() < 64 * MIB
