"""Sandboxes that are started ahead, on a real engine, over several runs of one installation."""

from __future__ import annotations

import asyncio
import errno
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from runtime import demand as demand_module
from runtime import pool as pool_module
from runtime import sandboxes as sandboxes_module
from runtime.engines.base import SandboxSpec
from runtime.engines.docker import DockerEngine
from runtime.engines.meeting_point import LocalMeetingPoint
from runtime.ids import new_container_id
from runtime.link.bootstrap import COMMAND
from runtime.sandboxes import INSTANCE_LABEL, PREPARED_LABEL
from runtime.store.base import Store
from runtime.values import GIB, ContainerStatus, MemoryLimit
from tests.chaos.engine import kill_sandbox
from tests.oci_runtimes import OCI_RUNTIMES
from tests.runtime.installations import PATIENCE, RESERVE, Image, Installation, until
from tests.runtime.link.agents import IMAGE
from tests.runtime.store.records import container


@pytest.fixture
async def installation(store: Store) -> AsyncIterator[Installation]:
    """An installation without anything, of which nothing is left at the end."""
    made = Installation(store, uuid.uuid4().hex)
    yield made
    engine = await DockerEngine.connect(runtime=None, cpus=1.0)
    for handle in await engine.list({INSTANCE_LABEL: made.id}):
        await engine.destroy(handle.name)
    await engine.aclose()


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pool looks after what may have changed more often than it would."""
    monkeypatch.setattr(pool_module, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(pool_module, "FAILED_SECONDS", 0.1)


@pytest.fixture
def image() -> Iterator[Image]:
    """The name of an image that doesn't exist yet. To be asked for before the installation: it ends after that."""
    named = Image(f"sandlot/pool-test:{uuid.uuid4().hex}")
    yield named
    named.remove_all()


async def test_it_is_filled(installation: Installation) -> None:
    """So many as are wanted are ready, linked, and on the engine; and no more after a while."""
    async with installation.run(3) as run:
        names = await run.full(3)
        await asyncio.sleep(0.5)
        assert await run.full(3) == names
        assert await run.sandboxes.on_engine() == dict.fromkeys(names, True)
        assert not any(map(run.sandboxes.lost, names))


async def test_each_is_given_once(installation: Installation) -> None:
    """Of a hundred claims at once as many get a sandbox as there are, each another; those are replaced."""
    async with installation.run(3) as run:
        names = await run.full(3)
        given: list[str] = []

        async def claim() -> None:
            await asyncio.sleep(0)
            with run.pool.claim(MemoryLimit.GIB_1, with_files=False) as name:
                await asyncio.sleep(0.01)
                if name is not None:
                    assert name in run.pool.names
                    given.append(name)

        async with asyncio.TaskGroup() as claims:
            for _ in range(100):
                claims.create_task(claim())
        assert sorted(given) == sorted(names)
        assert names.isdisjoint(await run.full(3))


@pytest.mark.parametrize("oci_runtime", OCI_RUNTIMES)
async def test_what_fits(installation: Installation, oci_runtime: str) -> None:
    """Where a sandbox that runs can't be changed, it is given only to those who want it as it is."""
    async with installation.run(1, oci_runtime=oci_runtime) as run:
        (name,) = await run.full(1)
        if not run.sandboxes.adaptable:
            assert run.claim(MemoryLimit.GIB_4) is None
            assert run.claim(with_files=True) is None
            assert run.claim() == name
        else:
            assert run.claim(MemoryLimit.GIB_4, with_files=True) == name


async def test_a_lost_one(installation: Installation) -> None:
    """A sandbox that has ended isn't given to anybody, and is replaced."""
    async with installation.run(2) as run:
        names = await run.full(2)
        lost = min(names)
        kill_sandbox(lost)
        await until(lambda: run.sandboxes.lost(lost))
        assert run.claim() in names - {lost}
        assert names.isdisjoint(await run.full(2))


async def test_another_image(image: Image, installation: Installation) -> None:
    """When the image has changed all are replaced, by those of the new one, and the old ones are gone."""
    image.make()
    async with installation.run(2, image=image.name) as run:
        old = await run.full(2)
        image.make()
        await until(lambda: old.isdisjoint(run.pool.names))
        new = await run.full(2)
        async with asyncio.timeout(PATIENCE):
            while (await run.sandboxes.on_engine()).keys() != new:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)


async def test_no_image(image: Image, installation: Installation) -> None:
    """When there is no image any more there is nothing to be had, and again something once there is one."""
    image.make()
    async with installation.run(1, image=image.name) as run:
        await run.full(1)
        image.remove()
        await run.full(0)
        assert run.claim() is None
        image.make()
        await run.full(1)


async def test_other_settings(installation: Installation) -> None:
    """What an earlier run has made with other settings isn't taken over."""
    async with installation.run(2) as run:
        old = await run.full(2)
    async with installation.run(2, cpus=0.5) as run:
        assert old.isdisjoint(run.pool.names)
        assert old.isdisjoint(await run.full(2))


async def test_the_next_run(installation: Installation) -> None:
    """What was ready at the end of a run is ready in the next, and can be given; nothing is started for that."""
    async with installation.run(2) as run:
        names = await run.full(2)
    async with installation.run(2) as run:
        assert await run.full(2) == names
        assert (await run.sandboxes.on_engine()).keys() == names
        assert run.claim() in names


async def test_the_next_run_wants_fewer(installation: Installation) -> None:
    """What is too many then is removed."""
    async with installation.run(3) as run:
        names = await run.full(3)
    async with installation.run(1) as run:
        assert await run.full(1) < names
    async with installation.run(0) as run:
        await run.full(0)
        assert await run.sandboxes.on_engine() == {}


async def test_what_has_a_record(installation: Installation) -> None:
    """A sandbox that was claimed is never taken over, whatever has become of its container."""
    async with installation.run(2) as run:
        names = await run.full(2)
        for status in (ContainerStatus.RUNNING, ContainerStatus.EXPIRED):
            claimed = run.claim()
            assert claimed in names
            await installation.store.containers.add(replace(container(status=status), id=str(claimed)))
    async with installation.run(1) as run:
        assert names.isdisjoint(run.pool.names)
        assert names.isdisjoint(await run.full(1))


async def test_a_claim_without_a_record(installation: Installation) -> None:
    """A crash after the claim and before the record has done nothing: the sandbox is as free as it was."""
    async with installation.run(1) as run:
        names = await run.full(1)
        with run.pool.claim(MemoryLimit.GIB_1, with_files=False) as name:
            assert name in names
            async with installation.run(1) as next_run:
                assert await next_run.full(1) == names


async def test_what_was_used(installation: Installation) -> None:
    """A sandbox that was used isn't given again, though its record is lost, as when a backup is put back."""
    async with installation.run(2) as run:
        names = await run.full(2)
        used = min(names)
        await (await run.sandboxes.get(used)).list(10)
    async with installation.run(2) as run:
        after = await run.full(2)
        assert after & names == names - {used}
        assert used not in await run.sandboxes.on_engine()


async def test_what_a_crash_left_half_made(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox whose agent was never sent is given to nobody, and doesn't keep the pool from being filled."""
    monkeypatch.setattr(sandboxes_module, "REJOIN_SECONDS", 1.0)
    async with installation.run(0) as run:
        labels = {INSTANCE_LABEL: installation.id, PREPARED_LABEL: str(await run.sandboxes.fingerprint())}
        half_made = new_container_id()
        await run.engine.create(SandboxSpec(half_made, IMAGE, COMMAND, GIB, labels))
    async with installation.run(2) as run:
        assert half_made in run.pool.names
        assert half_made not in await run.full(2)


class Exhausted(DockerEngine):
    """Docker, in a process that has no descriptor left when it joins the first sandbox."""

    met = 0

    async def meet(self, name: str) -> LocalMeetingPoint | None:
        """See Engine."""
        self.met += 1
        if self.met == 1:
            raise OSError(errno.EMFILE, "Too many open files")
        return await super().meet(name)


async def test_one_that_can_not_be_joined(installation: Installation) -> None:
    """Whatever goes wrong with one of the last run: the others are ready, it is replaced, and the pool goes on."""
    async with installation.run(3) as run:
        names = await run.full(3)
    async with installation.run(3, kind=Exhausted) as run:
        after = await run.full(3)
        assert len(after & names) == 2
        assert (await run.sandboxes.on_engine()).keys() == after
        assert run.claim() in after
        await run.full(3)


async def test_it_waits_for_a_lull(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is started while one use comes after the other; then it is, though a use that only waits goes on."""
    monkeypatch.setattr(pool_module, "LULL_SECONDS", 1.0)
    monkeypatch.setattr(pool_module, "LULLS", 1000)
    async with installation.run(1) as run:
        await run.full(1)
        run.activity.begin("waits")
        run.claim()
        for _ in range(100):
            run.activity.touch("used")
            assert len(run.pool.names) == 0
            await asyncio.sleep(0.02)
        await run.full(1)


async def test_it_does_not_wait_for_ever(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """When no lull comes, another is started all the same."""
    monkeypatch.setattr(pool_module, "LULL_SECONDS", 0.1)

    async def use() -> None:
        while True:
            run.activity.touch("used")
            await asyncio.sleep(0.02)

    async with installation.run(1) as run:
        using = asyncio.create_task(use())
        await run.full(1)
        using.cancel()


async def test_demand(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """It grows with what is wanted, up to the most, and shrinks to the least when nothing has been for a while."""
    async with installation.run(1, 2) as run:
        await run.full(1)
        for _ in range(5):
            run.claim()
        await run.full(2)
        monkeypatch.setattr(demand_module, "WINDOW_SECONDS", 0.0)
        await run.full(1)


async def test_short_memory(installation: Installation) -> None:
    """Below the reserve none are kept, and none started; at twice the reserve there are as many as before."""
    async with installation.run(2) as run:
        await run.full(2)
        run.free_memory = RESERVE - 1
        await run.full(0)
        run.claim()
        run.free_memory = 2 * RESERVE - 1
        await asyncio.sleep(0.5)
        assert len(run.pool.names) == 0
        run.free_memory = 2 * RESERVE
        await run.full(2)
        run.free_memory = 2 * RESERVE - 1
        await asyncio.sleep(0.5)
        await run.full(2)


async def test_starts_that_fail(image: Image, installation: Installation, caplog: pytest.LogCaptureFixture) -> None:
    """They are logged, leave nothing behind, and are tried again: once it goes, it goes."""
    image.make(Env=["PATH=/nowhere"])
    async with installation.run(2, image=image.name) as run:
        await until(lambda: caplog.text.count("No sandbox can be started ahead") >= 2)
        assert len(run.pool) == 0
        image.make()
        names = await run.full(2)
        assert (await run.sandboxes.on_engine()).keys() == names


async def test_the_end_while_one_is_started(installation: Installation) -> None:
    """One that is being started when the run ends is whole, and the next run has it ready."""
    async with installation.run(2) as run:
        await until(lambda: len(run.pool) == 1 and len(run.pool.names) == 2)
        names = set(run.pool.names)
    async with installation.run(2) as run:
        assert await run.full(2) == names
        assert (await run.sandboxes.on_engine()).keys() == names
