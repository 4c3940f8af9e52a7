"""The runtime with all its parts, on a real engine."""

from __future__ import annotations

import asyncio
from asyncio import timeout
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime import runtime as runtime_module
from runtime.config import Config
from runtime.errors import DatabaseUnusable, NotFound, StorageUnavailable
from runtime.file_values import FilePurpose, FileSpec
from runtime.runtime import Runtime, open_keys
from runtime.store.database import open_store, sqlite_url
from runtime.values import ApiKey, ContainerSpec, PageRequest
from tests.runtime.blobs.storages import body, joined
from tests.s3 import S3Server
from tests.service import wait_until

OWNER = "key_1"


def on_s3(data_dir: Path, s3: S3Server, url: str) -> Config:
    """An installation whose blobs are on S3."""
    return Config(
        data_dir=data_dir,
        blob_url=url,
        s3_endpoint=s3.endpoint,
        s3_access_key_id=s3.access_key,
        s3_secret_access_key=s3.secret_key,
        pool_size=0,
        pool_max_size=0,
    )


async def add_owner(config: Config) -> None:
    """Keep a key with the id OWNER: what belongs to none is removed."""
    config.data_dir.mkdir(mode=0o700, parents=True)
    async with open_store(sqlite_url(config.data_dir / "sandlot.db")) as store:
        await store.keys.add(ApiKey(OWNER, "test", 1), b"hash")


async def make(runtime: Runtime, data: bytes) -> str:
    """A new file's id."""
    return (await runtime.files.create(OWNER, body(data), lambda: FileSpec("a", FilePurpose.EVALS))).id


async def read(runtime: Runtime, file_id: str) -> bytes:
    """All of a file."""
    return await joined(await runtime.files.read(await runtime.files.retrieve(OWNER, file_id)))


async def forget(config: Config, file_id: str) -> tuple[str, str]:
    """Remove a file's record behind the runtime's back: its blob's id, and that of the installation."""
    async with open_store(sqlite_url(config.data_dir / "sandlot.db")) as store:
        blob_id = await store.files.remove(OWNER, file_id)
        assert blob_id is not None
        return blob_id, store.instance_id


async def gone(there: Callable[[], bool]) -> None:
    """Wait until something is no longer there."""
    await asyncio.to_thread(wait_until, lambda: not there(), 30, "It is still there")


@pytest.mark.parametrize("prefix", ["", "/", "/team/sandlot/"])
async def test_installations_share_a_bucket(tmp_path: Path, s3: S3Server, prefix: str) -> None:
    """Two with the same URL keep their blobs apart: what one takes for left behind is never the other's."""
    first, second = (on_s3(tmp_path / name, s3, f"s3://{s3.bucket}{prefix}") for name in ("first", "second"))
    await add_owner(first)
    await add_owner(second)
    async with Runtime.open(second) as runtime:
        others = await make(runtime, b"others")
    async with Runtime.open(first) as runtime:
        mine, left = await make(runtime, b"mine"), await make(runtime, b"left")
    blob_id, instance = await forget(first, left)
    place = f"{prefix}/{instance}".replace("//", "/").strip("/")
    assert f"{place}/{blob_id}" in s3.objects(place)
    async with Runtime.open(first) as runtime:
        await gone(lambda: f"{place}/{blob_id}" in s3.objects(place))
        assert await read(runtime, mine) == b"mine"
    async with Runtime.open(second) as runtime:
        assert await read(runtime, others) == b"others"


async def test_what_a_crash_left_is_collected(tmp_path: Path) -> None:
    """Bytes without a record are gone soon after the next start, and the data directory is its user's alone."""
    config = Config(data_dir=tmp_path / "new" / "data", pool_size=0, pool_max_size=0)
    await add_owner(config)
    async with Runtime.open(config) as runtime:
        kept, left = await make(runtime, b"kept"), await make(runtime, b"left")
    blob_id, _ = await forget(config, left)
    (path,) = config.data_dir.glob(f"blobs/*/{blob_id}")
    async with Runtime.open(config) as runtime:
        await gone(path.exists)
        assert await read(runtime, kept) == b"kept"
    assert config.data_dir.stat().st_mode & 0o777 == 0o700


async def test_what_comes_after_its_key_is_gone_goes(tmp_path: Path) -> None:
    """Files and containers of an owner whose key was deleted before they were made are gone soon after."""
    config = Config(data_dir=tmp_path / "data", pool_size=0, pool_max_size=0)
    async with Runtime.open(config) as runtime:
        file_id = await make(runtime, b"x")
        container = await runtime.containers.create(OWNER, ContainerSpec(name="x"))
    async with Runtime.open(config) as runtime, timeout(30):
        while True:
            listed = await runtime.files.list(OWNER, PageRequest())
            if not (listed.data or await runtime.sandboxes.on_engine()):
                break
            await asyncio.sleep(0.05)
        with pytest.raises(NotFound):
            await runtime.files.retrieve(OWNER, file_id)
        with pytest.raises(NotFound):
            await runtime.containers.retrieve(OWNER, container.id)


async def test_expired_files_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose time is up goes without anybody asking for it."""
    monkeypatch.setattr(runtime_module, "SWEEP_SECONDS", 0.1)
    config = Config(data_dir=tmp_path / "data", pool_size=0, pool_max_size=0)
    async with Runtime.open(config) as runtime:
        made = await runtime.files.create(OWNER, body(b"x"), lambda: FileSpec("a", FilePurpose.EVALS, 2))
        (path,) = config.data_dir.glob(f"blobs/*/{made.blob_id}")
        await gone(path.exists)


async def test_a_bucket_that_is_not_there(tmp_path: Path, s3: S3Server) -> None:
    """Without its storage the runtime doesn't start, and says which bucket is at fault."""
    with pytest.raises(StorageUnavailable, match="elsewhere"):
        async with Runtime.open(on_s3(tmp_path, s3, "s3://elsewhere")):
            pass


async def test_one_service_on_a_database(tmp_path: Path) -> None:
    """Two with data directories of their own and one database would remove each other's sandboxes: one has to wait."""
    here, there = (
        Config(tmp_path / name, database_url=sqlite_url(tmp_path / "shared.db"), pool_size=0, pool_max_size=0)
        for name in ("here", "there")
    )
    async with Runtime.open(here) as runtime:
        with pytest.raises(DatabaseUnusable, match=r"Another Sandlot is running on the database .*/shared\.db\."):
            async with Runtime.open(there):
                pytest.fail("It is open")
        async with open_keys(there) as keys:  # may be looked after meanwhile
            made, _ = await keys.create("from there")
        assert made.id in [key.id for key in await runtime.keys.list()]
    async with Runtime.open(there):
        pass
