"""The composition root: builds the runtime's parts and takes them down in order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from runtime.activity import Activity
from runtime.config import Config
from runtime.container_files import ContainerFileService
from runtime.containers import ContainerService
from runtime.engines.docker import DockerEngine
from runtime.keys import KeyService
from runtime.reconcile import Reconciler
from runtime.sandboxes import Sandboxes
from runtime.scheduler import schedule
from runtime.shell_calls import ShellCallService
from runtime.store.base import Store
from runtime.store.database import open_store, sqlite_url

SWEEP_SECONDS = 5
RECONCILE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything the outside may use, while `open` lasts."""

    containers: ContainerService
    container_files: ContainerFileService
    shell_calls: ShellCallService
    keys: KeyService
    sandboxes: Sandboxes

    @classmethod
    @asynccontextmanager
    async def open(cls, config: Config) -> AsyncIterator[Runtime]:
        """A runtime on the engine and the database that are configured. At the end, sandboxes go on running.

        Raises EngineUnavailable and DatabaseUnusable.
        """
        engine = await DockerEngine.connect(runtime=config.engine_runtime, cpus=config.cpus)
        try:
            async with _open_store(config) as store:
                sandboxes = Sandboxes(engine, config.image, store.instance_id)
                activity = Activity()
                containers = ContainerService(store, sandboxes, activity)
                reconciler = Reconciler(store.containers, sandboxes, containers, activity)

                async def sweep() -> None:
                    await activity.write(store.containers)
                    await containers.expire_due()

                await reconciler.reconcile()
                try:
                    with schedule({sweep: SWEEP_SECONDS, reconciler.reconcile: RECONCILE_SECONDS}):
                        yield cls(
                            containers=containers,
                            container_files=ContainerFileService(
                                store.container_files, containers, config.file_max_bytes
                            ),
                            shell_calls=ShellCallService(containers),
                            keys=KeyService(store.keys),
                            sandboxes=sandboxes,
                        )
                finally:
                    sandboxes.close()
                    await activity.write(store.containers)
        finally:
            await engine.aclose()

    async def check(self) -> None:
        """Return if calls can be served; EngineUnavailable otherwise."""
        await self.sandboxes.ping()


@asynccontextmanager
async def open_keys(config: Config) -> AsyncIterator[KeyService]:
    """The API keys alone, without an engine, beside a runtime that may be open elsewhere. Raises DatabaseUnusable."""
    async with _open_store(config) as store:
        yield KeyService(store.keys)


def _open_store(config: Config) -> AbstractAsyncContextManager[Store]:
    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return open_store(config.database_url or sqlite_url(config.data_dir / "sandlot.db"))
