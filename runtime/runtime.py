"""The composition root: builds the runtime's parts and takes them down in order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from runtime.activity import Activity
from runtime.blobs.base import BlobStore
from runtime.blobs.folder import FolderBlobStore
from runtime.blobs.s3 import S3BlobStore
from runtime.config import Config
from runtime.container_files import ContainerFileService
from runtime.container_records import ContainerRecords
from runtime.containers import ContainerService
from runtime.creations import Creations
from runtime.demand import Demand
from runtime.egress.egress import Egress
from runtime.egress.resolver import SystemResolver
from runtime.egress.sealing import Seal
from runtime.endings import Endings
from runtime.engines.docker import DockerEngine
from runtime.file_copies import FileCopies
from runtime.files import FileService
from runtime.gates import Gates
from runtime.keys import KeyService
from runtime.operator_skills import OperatorSkills
from runtime.ownerless import Ownerless
from runtime.pool import Pool
from runtime.reconcile import Reconciler
from runtime.removals import Removals
from runtime.room import Room
from runtime.sandboxes import Sandboxes
from runtime.scheduler import Job, schedule
from runtime.shell_calls import ShellCallService
from runtime.skills import SkillService
from runtime.spool import Spool
from runtime.starts import Starts
from runtime.storage import Storage
from runtime.store.base import Store
from runtime.store.database import alone, open_store, sqlite_url
from runtime.uploads import UploadService

SWEEP_SECONDS = 5
RECONCILE_SECONDS = 30
COLLECT_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything the outside may use, while `open` lasts."""

    containers: ContainerService
    container_files: ContainerFileService
    files: FileService
    uploads: UploadService
    skills: SkillService
    shell_calls: ShellCallService
    keys: KeyService
    sandboxes: Sandboxes
    endings: Endings

    @classmethod
    @asynccontextmanager
    async def open(cls, config: Config) -> AsyncIterator[Runtime]:
        """A runtime on the engine and the database that are configured. At the end, sandboxes go on running.

        Raises EngineUnavailable, EngineMisconfigured, DatabaseUnusable and StorageUnavailable, and InvalidInput when
        one of the operator's skills is none.
        """
        async with AsyncExitStack() as stack:
            engine = await DockerEngine.connect(runtime=config.engine_runtime, cpus=config.cpus)
            stack.push_async_callback(engine.aclose)
            if config.database_url is not None:  # otherwise the data directory is held
                stack.enter_context(alone(config.database_url))
            store = await stack.enter_async_context(_open_store(config))
            storage = Storage(await _open_blobs(config, store.instance_id), store.blobs, config.key_max_bytes)
            files = FileService(store.files, storage, config.file_max_bytes)
            uploads = UploadService(store.uploads, storage)
            spool = await Spool.open(config.data_dir / "spool")
            operator_skills = await stack.enter_async_context(OperatorSkills.open(config.skills_dir, spool))
            skills = SkillService(store.skills, storage, operator_skills, spool)
            copies = FileCopies(files, store.container_files)
            egress = await stack.enter_async_context(Egress.open(config.egress, SystemResolver()))
            gates = Gates(egress, config.egress, Seal(config.secrets_key))
            await gates.restore(store.containers)
            sandboxes = Sandboxes(engine, gates, config.image, store.instance_id)
            await sandboxes.check()
            activity = Activity()
            starts = Starts(sandboxes.free_memory, config.memory_reserve)
            demand = Demand(config.pool_size, config.pool_max_size)
            pool = Pool(sandboxes, store.containers, starts, activity, demand)
            removals = await stack.enter_async_context(Removals.open())
            records = ContainerRecords(store.containers)
            endings = Endings(store, records, sandboxes, activity, removals)
            room = Room(gates, config.max_containers)
            creations = Creations(
                store.containers, records, endings, sandboxes, gates, activity, copies, skills, pool, starts, room
            )
            containers = ContainerService(store.containers, records, creations, endings, sandboxes, gates, activity)
            ownerless = Ownerless(store.keys, containers)
            reconciler = Reconciler(store.containers, sandboxes, pool, endings, activity, removals)
            await pool.find()
            await reconciler.reconcile()
            stack.callback(sandboxes.close)

            async def write_activity() -> None:
                await activity.write(store.containers)

            jobs: Mapping[Job, float] = {
                write_activity: SWEEP_SECONDS,
                endings.expire_due: SWEEP_SECONDS,
                files.expire_due: SWEEP_SECONDS,
                uploads.expire_due: SWEEP_SECONDS,
                reconciler.reconcile: RECONCILE_SECONDS,
                reconciler.relink: RECONCILE_SECONDS,
                ownerless.remove: RECONCILE_SECONDS,
                storage.collect: COLLECT_SECONDS,
            }
            at_once = [reconciler.relink, ownerless.remove, storage.collect]
            await stack.enter_async_context(schedule(jobs, at_once))
            await stack.enter_async_context(pool.kept())
            # The first thing at the end: what comes after it may take a while.
            stack.push_async_callback(write_activity)
            yield cls(
                containers=containers,
                container_files=ContainerFileService(store.container_files, containers, copies, config.file_max_bytes),
                files=files,
                uploads=uploads,
                skills=skills,
                shell_calls=ShellCallService(containers),
                keys=KeyService(store.keys, store.blobs),
                sandboxes=sandboxes,
                endings=endings,
            )

    async def check(self) -> None:
        """Return if calls can be served; EngineUnavailable or EngineMisconfigured otherwise."""
        await self.sandboxes.check()


@asynccontextmanager
async def open_keys(config: Config) -> AsyncIterator[KeyService]:
    """The API keys alone, without an engine, beside a runtime that may be open elsewhere. Raises DatabaseUnusable."""
    async with _open_store(config) as store:
        yield KeyService(store.keys, store.blobs)


def is_new(config: Config) -> bool:
    """Whether nothing was ever opened in this data directory. A database elsewhere is taken for an old one."""
    return config.database_url is None and not _database(config).exists()


def _open_store(config: Config) -> AbstractAsyncContextManager[Store]:
    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return open_store(config.database_url or sqlite_url(_database(config)))


def _database(config: Config) -> Path:
    return config.data_dir / "sandlot.db"


async def _open_blobs(config: Config, instance_id: str) -> BlobStore:
    """The storage that is configured. In a bucket each installation has a prefix of its own."""
    if config.blob_url is None:
        return await FolderBlobStore.open(config.data_dir / "blobs")
    place = urlsplit(config.blob_url)
    return await S3BlobStore.connect(
        place.netloc,
        prefix=f"{place.path.strip('/')}/{instance_id}".strip("/"),
        endpoint=config.s3_endpoint,
        region=config.s3_region,
        access_key=config.s3_access_key_id,
        secret_key=config.s3_secret_access_key,
    )
