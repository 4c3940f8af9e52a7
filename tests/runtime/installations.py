"""What tests of a pool have: runs of one installation, and images that change."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field

import docker

from runtime.activity import Activity
from runtime.demand import Demand
from runtime.egress.config import EgressConfig
from runtime.egress.egress import Egress
from runtime.egress.resolver import SystemResolver
from runtime.egress.sealing import Seal
from runtime.engines.docker import DockerEngine
from runtime.gates import Gates
from runtime.pool import Pool
from runtime.sandboxes import Sandboxes
from runtime.starts import Starts
from runtime.store.base import Store
from runtime.values import MemoryLimit
from tests.oci_runtimes import DEFAULT
from tests.runtime.link.agents import IMAGE

PATIENCE = 60.0
RESERVE = 1000


@dataclass
class Run:
    """What one run of the service has. `free_memory` is what the host is said to have left."""

    pool: Pool
    sandboxes: Sandboxes
    engine: DockerEngine
    activity: Activity
    free_memory: int = 2 * RESERVE

    def claim(self, limit: MemoryLimit = MemoryLimit.GIB_1, *, with_files: bool = False) -> str | None:
        """Claim a sandbox, for nothing."""
        with self.pool.claim(limit, with_files=with_files) as name:
            return name

    async def full(self, size: int) -> set[str]:
        """Wait until so many are ready, and no more are known; their names."""
        await until(lambda: len(self.pool) == size == len(self.pool.names))
        return set(self.pool.names)


@dataclass
class Installation:
    """A store, and what the engine has under one label."""

    store: Store
    id: str

    @asynccontextmanager
    async def run(
        self,
        least: int,
        most: int | None = None,
        *,
        image: str = IMAGE,
        cpus: float = 1.0,
        oci_runtime: str = DEFAULT,
        kind: type[DockerEngine] = DockerEngine,
    ) -> AsyncIterator[Run]:
        """A run of the service, as far as a pool needs one."""
        engine = await kind.connect(runtime=oci_runtime, cpus=cpus)
        async with Egress.open(EgressConfig(), SystemResolver()) as egress:
            sandboxes = Sandboxes(engine, Gates(egress, EgressConfig(), Seal(None)), image, self.id)
            starts = Starts(lambda: run.free_memory, RESERVE)
            demand = Demand(least, least if most is None else most)
            activity = Activity()
            pool = Pool(sandboxes, self.store.containers, starts, activity, demand)
            run = Run(pool, sandboxes, engine, activity)
            await run.pool.find()
            async with run.pool.kept():
                yield run
            sandboxes.close()
        await engine.aclose()


@dataclass
class Image:
    """An image of a test's own, which may be another one later."""

    name: str
    _made: list[str] = field(default_factory=list)

    def make(self, **config: object) -> None:
        """From now on it is a new one: the usual one, but for what is said of its configuration."""
        repository, _, tag = self.name.partition(":")
        with closing(docker.from_env()) as engine:
            container_id = engine.api.create_container(IMAGE, "true", labels={"made": uuid.uuid4().hex})["Id"]
            self._made.append(engine.api.commit(container_id, repository, tag, conf=config)["Id"])
            engine.api.remove_container(container_id)

    def remove(self) -> None:
        """From now on it doesn't exist, whoever uses it."""
        with closing(docker.from_env()) as engine:
            engine.api.remove_image(self.name, force=True)

    def remove_all(self) -> None:
        """Remove all that it has been, once nobody uses them."""
        with closing(docker.from_env()) as engine:
            for image_id in self._made:
                engine.api.remove_image(image_id, force=True)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - a pool tells nobody
            await asyncio.sleep(0.02)
