"""What S3 brings with it: other things in the bucket, wrong settings, servers that are dead or half dead."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta

import httpx
import pytest

from runtime.blobs import s3_connection
from runtime.blobs.s3 import PART, S3BlobStore
from runtime.errors import StorageUnavailable
from runtime.ids import new_blob_id
from tests.runtime.blobs.broken_s3 import broken_s3, respond, silence
from tests.runtime.blobs.storages import body, content, listed
from tests.s3 import S3Server
from tests.service import free_port

KEYS = {"access_key": "test", "secret_key": "test"}


async def connect(server: S3Server, prefix: str | None) -> S3BlobStore:
    """A store below a prefix, or in the whole of the bucket."""
    return await S3BlobStore.connect(server.bucket, prefix=prefix, endpoint=server.endpoint, **KEYS)


async def test_installations_share_a_bucket(s3: S3Server) -> None:
    """Each prefix is a store of its own, also one that is the beginning of another."""
    stores = {prefix: await connect(s3, prefix) for prefix in ("team", "team-2", "team/3")}
    ids = {prefix: new_blob_id() for prefix in stores}
    for prefix, blobs in stores.items():
        await blobs.write(ids[prefix], body(prefix.encode()))
    for prefix, blobs in stores.items():
        assert await listed(blobs) == {ids[prefix]}
        assert await content(blobs, ids[prefix]) == prefix.encode()
        assert f"{prefix}/{ids[prefix]}" in s3.objects(prefix)


async def test_what_is_not_a_blob_is_left_alone(s3: S3Server) -> None:
    """Other objects in the bucket aren't listed, however many there are, and however they are called."""
    blobs = await connect(s3, "shared")
    blob_id = new_blob_id()
    await blobs.write(blob_id, body(b"x"))
    async with httpx.AsyncClient(base_url=s3.endpoint) as http:
        for key in ("notes.txt", f"{new_blob_id()}.txt", f"deeper/{new_blob_id()}"):
            (await http.put(f"/{s3.bucket}/shared/{key}", content=b"mine")).raise_for_status()
    assert await listed(blobs) == {blob_id}


async def test_a_bucket_that_does_not_exist(s3: S3Server) -> None:
    """Connecting says so, by its name."""
    with pytest.raises(StorageUnavailable, match=r"'no-such-bucket'.*NoSuchBucket"):
        await S3BlobStore.connect("no-such-bucket", endpoint=s3.endpoint, **KEYS)


async def test_a_bucket_that_vanishes(s3: S3Server) -> None:
    """It is not taken for a blob that is missing."""
    async with httpx.AsyncClient(base_url=s3.endpoint) as http:
        (await http.put("/vanishing")).raise_for_status()
        blobs = await S3BlobStore.connect("vanishing", endpoint=s3.endpoint, **KEYS)
        (await http.delete("/vanishing")).raise_for_status()
    for size in (1, 3 * PART):
        with pytest.raises(StorageUnavailable, match="NoSuchBucket"):
            await blobs.write(new_blob_id(), body(os.urandom(size)))
    with pytest.raises(StorageUnavailable, match="NoSuchBucket"):
        await blobs.read(new_blob_id())
    with pytest.raises(StorageUnavailable, match="NoSuchBucket"):
        await listed(blobs)
    with pytest.raises(StorageUnavailable, match="NoSuchBucket"):
        await blobs.remove(new_blob_id())


async def test_wrong_keys(s3: S3Server) -> None:
    """Connecting says what the storage says of the keys, and doesn't tell the secret."""
    with s3.only_known_keys(), pytest.raises(StorageUnavailable, match="InvalidAccessKeyId") as caught:
        await S3BlobStore.connect(s3.bucket, endpoint=s3.endpoint, access_key="nobody", secret_key="hidden-secret")
    assert "hidden" not in caught.value.message


async def test_keys_that_stop_to_work(s3: S3Server) -> None:
    """Every call tells, and a blob that can't be asked for isn't taken for a missing one."""
    blobs = await connect(s3, "revoked")
    with s3.only_known_keys():
        with pytest.raises(StorageUnavailable):
            await blobs.write(new_blob_id(), body(b"x"))
        for start in (0, 1):
            with pytest.raises(StorageUnavailable):
                await blobs.read(new_blob_id(), start)


async def test_the_environment_does_not_overrule_what_is_given(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint and keys in AWS's variables, for other programs, change nothing."""
    for name in ("AWS_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "others")
    blobs = await connect(s3, "environment")
    await blobs.write(blob_id := new_blob_id(), body(b"x"))
    assert s3.objects("environment") == [f"environment/{blob_id}"]


async def test_keys_from_the_environment(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without keys those of AWS's variables are used."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "variable")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    blobs = await S3BlobStore.connect(s3.bucket, prefix="chain", endpoint=s3.endpoint)
    assert await listed(blobs) == set()


@pytest.mark.parametrize("endpoint", ["ftp://127.0.0.1", "127.0.0.1:1", "http://", "x", ""])
async def test_an_endpoint_that_is_none(endpoint: str) -> None:
    """What is not an http or https URL is refused."""
    with pytest.raises(StorageUnavailable, match="endpoint"):
        await S3BlobStore.connect("bucket", endpoint=endpoint, **KEYS)


@pytest.mark.parametrize(("bucket", "prefix"), [("", None), ("a b", None), ("a/b", None), ("a", ".."), ("a", "b//c")])
async def test_names_that_can_not_be(s3: S3Server, bucket: str, prefix: str | None) -> None:
    """What can't be a bucket's name, or a prefix, is refused."""
    with pytest.raises(StorageUnavailable):
        await S3BlobStore.connect(bucket, prefix=prefix, endpoint=s3.endpoint, **KEYS)


async def test_nobody_listens() -> None:
    """A server that doesn't run is an error that names its address."""
    port = free_port()
    with pytest.raises(StorageUnavailable, match=f"127.0.0.1:{port}"):
        await S3BlobStore.connect("bucket", endpoint=f"http://127.0.0.1:{port}", **KEYS)


async def test_a_server_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes requests and never answers them is an error of every call, not a hang."""
    monkeypatch.setattr(s3_connection, "SILENCE", timedelta(seconds=0.3))
    monkeypatch.setattr(s3_connection, "RETRY", timedelta(seconds=0.3))
    async with broken_s3(silence) as endpoint:
        blobs = await S3BlobStore.connect("bucket", endpoint=endpoint, **KEYS)
        for size in (1, 3 * PART):
            with pytest.raises(StorageUnavailable):
                await blobs.write(new_blob_id(), body(os.urandom(size)))
        for start in (0, 1):
            with pytest.raises(StorageUnavailable):
                await blobs.read(new_blob_id(), start)
        with pytest.raises(StorageUnavailable):
            await blobs.remove(new_blob_id())


@pytest.mark.parametrize("status", [200, 400, 418, 500, 503])
async def test_a_server_that_talks_nonsense(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """Answers that aren't S3's are an error, above all for what was to be kept in parts."""
    monkeypatch.setattr(s3_connection, "RETRIES", 1)

    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await respond(writer, b"It works!", status=status)

    async with broken_s3(nonsense) as endpoint:
        blobs = await S3BlobStore.connect("bucket", endpoint=endpoint, **KEYS)
        with pytest.raises(StorageUnavailable):
            await blobs.write(new_blob_id(), body(os.urandom(3 * PART)))


async def test_an_answer_that_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A blob that doesn't come to its end is an error, never a shorter blob."""
    monkeypatch.setattr(s3_connection, "RETRIES", 1)

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await respond(writer, b"x" * 100_000, size=10_000_000)

    async with broken_s3(cut) as endpoint:
        blobs = await S3BlobStore.connect("bucket", endpoint=endpoint, **KEYS)
        with pytest.raises(StorageUnavailable):
            await content(blobs, new_blob_id())
