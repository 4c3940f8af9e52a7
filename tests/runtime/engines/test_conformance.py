"""What every engine has to do: make, find, attach, change and destroy sandboxes."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace

import docker
import psutil
import pytest

from runtime.engines.base import Engine, Handle
from runtime.engines.docker import DockerEngine
from runtime.errors import EngineMisconfigured, EngineUnavailable, NotFound
from tests.oci_runtimes import DEFAULT
from tests.runtime.engines.conftest import CPUS, Workshop
from tests.runtime.engines.console import Console, eventually
from tests.runtime.link.agents import IMAGE

IDLE = "while read line; do echo got $line; done"
OTHER_IMAGE = "sandlot/clients:latest"
MIB = 1024**2


async def test_check(engine: Engine) -> None:
    """An engine that has the image can make sandboxes of it."""
    await engine.check(IMAGE)
    with pytest.raises(EngineMisconfigured, match="sandlot/no-such-image:none"):
        await engine.check("sandlot/no-such-image:none")


async def test_create(engine: Engine, workshop: Workshop) -> None:
    """A sandbox that was created runs, under its name and with its labels."""
    name = await workshop.make(IDLE, extra="x=y z")
    assert await engine.list(workshop.labels | {"extra": "x=y z"}) == [Handle(name, running=True)]


async def test_list(engine: Engine, workshop: Workshop) -> None:
    """Sandboxes are listed by all of the labels asked for, whether they run or not."""
    running = await workshop.make(IDLE, kind="a")
    ended = await workshop.make("exit 3", kind="b")
    await eventually(lambda: _has_ended(engine, workshop, ended))
    assert await _running(engine, workshop.labels) == {running: True, ended: False}
    assert await _running(engine, workshop.labels | {"kind": "b"}) == {ended: False}
    assert await engine.list(workshop.labels | {"kind": "c"}) == []


async def test_a_missing_image(engine: Engine, workshop: Workshop) -> None:
    """A sandbox of an image that doesn't exist is the operator's to mend, and nothing is made."""
    with pytest.raises(EngineMisconfigured):
        await engine.create(replace(workshop.spec(("true",)), image="sandlot/no-such-image:none"))
    assert await engine.list(workshop.labels) == []


async def test_a_missing_oci_runtime(workshop: Workshop) -> None:
    """One that the engine doesn't know is the operator's to mend too; a shim's name it needn't know."""
    spec = workshop.spec(("true",))
    unknown = await DockerEngine.connect(runtime="no-such-runtime", cpus=CPUS)
    for call in (unknown.check(IMAGE), unknown.create(spec)):
        with pytest.raises(EngineMisconfigured, match="no-such-runtime"):
            await call
    await unknown.aclose()
    shim = await DockerEngine.connect(runtime="io.containerd.runc.v2", cpus=CPUS)
    await shim.check(IMAGE)
    await shim.aclose()


async def test_too_few_cpus(workshop: Workshop) -> None:
    """Sandboxes with more CPUs than the engine has are the operator's to mend too."""
    greedy = await DockerEngine.connect(runtime=DEFAULT, cpus=100_000)
    for call in (greedy.check(IMAGE), greedy.create(workshop.spec(("true",)))):
        with pytest.raises(EngineMisconfigured, match="SANDLOT_CPUS"):
            await call
    await greedy.aclose()


async def test_a_program_that_does_not_exist(engine: Engine, workshop: Workshop) -> None:
    """A sandbox that can't be started is an error; what is left of it can be destroyed."""
    spec = workshop.spec(("/no/such/program",))
    with pytest.raises(EngineUnavailable):
        await engine.create(spec)
    await engine.destroy(spec.name)
    assert await engine.list(workshop.labels) == []


async def test_a_name_that_is_taken(engine: Engine, workshop: Workshop) -> None:
    """A second sandbox of a name is an error, and the first one goes on."""
    name = await workshop.make(IDLE)
    with pytest.raises(EngineUnavailable):
        await engine.create(replace(workshop.spec(("true",)), name=name))
    assert await engine.list(workshop.labels) == [Handle(name, running=True)]


async def test_attach(engine: Engine, workshop: Workshop) -> None:
    """What is written comes to standard input, what comes is standard output alone, from its first byte on."""
    console = await Console.of(engine, await workshop.make(f"read x; echo error >&2; echo $x; {IDLE}"))
    console.stream.write(b"hello\n")
    console.stream.write(b"wor")
    console.stream.write(b"ld\n")
    await console.until(b"got world\n")
    assert console.received == b"hello\ngot world\n"
    console.stream.close()
    assert console.ended


async def test_attaching_to_what_does_not_run(engine: Engine, workshop: Workshop) -> None:
    """A sandbox that isn't there, or doesn't run, can't be attached."""
    ended = await workshop.make("exit 0")
    await eventually(lambda: _has_ended(engine, workshop, ended))
    for name in (ended, "sandlot-test-missing"):
        with pytest.raises(NotFound):
            await engine.attach(name)


async def test_many_bytes_both_ways(engine: Engine, workshop: Workshop) -> None:
    """Bytes of any value come through whole, in both directions."""
    size = 20 * MIB
    console = await Console.of(engine, await workshop.make(f"head -c {size} | tee /tmp/x | sha256sum; cat /tmp/x; cat"))
    data = os.urandom(size)
    for start in range(0, size, MIB):
        console.stream.write(data[start : start + MIB])
        await console.stream.drain()
    line = hashlib.sha256(data).hexdigest().encode() + b"  -\n"
    await console.when(lambda: len(console.received) >= len(line) + size)
    assert console.received == line + data
    console.stream.close()


async def test_standard_input_outlives_a_connection(engine: Engine, workshop: Workshop) -> None:
    """When a connection is closed, or was never read, the next one finds the sandbox as it was."""
    name = await workshop.make(IDLE)
    (await engine.attach(name)).close()
    for number in range(5):
        console = await Console.of(engine, name)
        console.stream.write(b"%d\n" % number)
        await console.until(b"got %d\n" % number)
        console.stream.close()
        console.stream.close()
    assert not await _has_ended(engine, workshop, name)


async def test_attached_twice(engine: Engine, workshop: Workshop) -> None:
    """Two connections get the same output, and one goes on when the other is closed."""
    name = await workshop.make(IDLE)
    first, second = await Console.of(engine, name), await Console.of(engine, name)
    first.stream.write(b"a\n")
    await first.until(b"got a\n")
    await second.until(b"got a\n")
    first.stream.close()
    second.stream.write(b"b\n")
    await second.until(b"got b\n")
    second.stream.close()


async def test_a_connection_that_is_not_read(engine: Engine, workshop: Workshop) -> None:
    """One that isn't read may hold up the others, but no longer than until it is closed."""
    name = await workshop.make(f"read x; head -c {20 * MIB} /dev/zero; echo end; {IDLE}")
    unread = await engine.attach(name)
    console = await Console.of(engine, name)
    console.stream.write(b"go\n")
    await console.when(lambda: len(console.received) > 0)
    unread.close()
    await console.until(b"end\n")
    console.stream.close()


async def test_output_that_nobody_reads(engine: Engine, workshop: Workshop) -> None:
    """A sandbox that writes while nobody is attached goes on."""
    name = await workshop.make(f"head -c {20 * MIB} /dev/zero; exit 0")
    await eventually(lambda: _has_ended(engine, workshop, name))


async def test_the_end_of_a_sandbox(engine: Engine, workshop: Workshop) -> None:
    """A connection ends when the sandbox does, after all of its output."""
    console = await Console.of(engine, await workshop.make(f"read x; head -c {MIB} /dev/zero; exit 1"))
    console.stream.write(b"go\n")
    await console.when(lambda: console.ended)
    assert len(console.received) == MIB
    console.stream.write(b"more")
    await console.stream.drain()
    console.stream.close()


@pytest.mark.parametrize("engine", [DEFAULT], indirect=True)
async def test_update(engine: Engine, workshop: Workshop) -> None:
    """The memory limit of a running sandbox can be raised and lowered."""
    name = await workshop.make(f"{IDLE} | while read x; do cat {MEMORY_LIMIT} 2>/dev/null; done")
    console = await Console.of(engine, name)
    for memory in (1024 * MIB, 256 * MIB):
        await engine.update(name, memory)
        console.stream.write(b"x\n")
        await console.until(b"%d\n" % memory)
    console.stream.close()
    with pytest.raises(NotFound):
        await engine.update("sandlot-test-missing", MIB)


async def test_destroy(engine: Engine, workshop: Workshop) -> None:
    """A sandbox that was destroyed is gone with its connections; doing it again, or at the same time, does no harm."""
    name = await workshop.make(IDLE)
    console = await Console.of(engine, name)
    await asyncio.gather(*(engine.destroy(name) for _ in range(4)))
    await console.when(lambda: console.ended)
    await engine.destroy(name)
    await eventually(lambda: _all_gone(engine, workshop))


@pytest.mark.parametrize(
    "script",
    [
        "trap '' TERM INT HUP; while :; do :; done",
        "bomb() { bomb | bomb & }; bomb; cat",
        "python3 -c 'x = bytearray(2**30)'; exit 1",
        "exit 0",
        "yes",
    ],
)
async def test_destroying_what_resists(engine: Engine, workshop: Workshop, script: str) -> None:
    """Whatever runs in a sandbox, or no longer does, it can be destroyed."""
    name = await workshop.make(script)
    await asyncio.sleep(0.3)
    await engine.destroy(name)
    assert await engine.list(workshop.labels) == []


async def test_whether_sandboxes_can_be_changed(engine: Engine, request: pytest.FixtureRequest) -> None:
    """Those of runc can be while they run; those of runsc can't."""
    assert engine.adaptable == (request.node.callspec.params["engine"] == DEFAULT)


async def test_memory_of_the_machine(engine: Engine) -> None:
    """Of an engine on this machine it is known how much there is, of one elsewhere it isn't."""
    free = engine.free_memory()
    assert free is not None
    assert 0 < free <= psutil.virtual_memory().total
    elsewhere = DockerEngine(docker.APIClient("tcp://192.0.2.1:2375", "1.41"), None, CPUS, adaptable=False)
    assert elsewhere.free_memory() is None
    await elsewhere.aclose()


async def test_fingerprint(engine: Engine, request: pytest.FixtureRequest) -> None:
    """It stays the same as long as image and settings do: another image or limit is another, as is no image at all."""
    oci_runtime = request.node.callspec.params["engine"]
    same, other = [await DockerEngine.connect(runtime=oci_runtime, cpus=cpus) for cpus in (CPUS, CPUS / 2)]
    found = await engine.fingerprint(IMAGE)
    assert found is not None
    assert [await each.fingerprint(IMAGE) for each in (engine, same)] == [found, found]
    assert await other.fingerprint(IMAGE) not in (found, None)
    assert await engine.fingerprint(OTHER_IMAGE) not in (found, None)
    assert await engine.fingerprint("sandlot/no-such-image:none") is None
    for each in (same, other):
        await each.aclose()


MEMORY_LIMIT = "/sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes"


async def _has_ended(engine: Engine, workshop: Workshop, name: str) -> bool:
    return not (await _running(engine, workshop.labels))[name]


async def _all_gone(engine: Engine, workshop: Workshop) -> bool:
    return not await engine.list(workshop.labels)


async def _running(engine: Engine, labels: Mapping[str, str]) -> dict[str, bool]:
    return {handle.name: handle.running for handle in await engine.list(labels)}
