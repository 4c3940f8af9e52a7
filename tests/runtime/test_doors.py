"""Connections that are taken in the sandbox's own network: what the service is told of them, and how they end."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from runtime.doors import Doors, HostAt
from runtime.egress.connection import Connection
from runtime.engines.base import MeetingPoint
from runtime.engines.docker import DockerEngine
from runtime.errors import SandboxLost
from runtime.link.session import LinkSession
from runtime.sandbox import Sandbox
from tests.runtime.link.agents import START_SECONDS, ContainerAgent, container_agent
from tests.runtime.link.box import listen
from tests.runtime.link.networked import NAMES, PORTS, NetworkedBox

RESET = "ConnectionResetError"


class OpenBox(NetworkedBox):
    """A sandbox whose programs' connections come to the test past the link, with what was said of them."""

    def __init__(self, agent: ContainerAgent) -> None:
        super().__init__(agent)
        self.taken: asyncio.Queue[tuple[object, int, Connection]] = asyncio.Queue()
        self.left: list[int] = []
        self.engine = agent.engine
        self.name = agent.name
        self.point: MeetingPoint

    async def connect(self) -> None:
        """Begin a new session by the short way."""
        first = await LinkSession.establish(await self.agent.attach(), START_SECONDS)
        point = await self.engine.meet(self.name)
        assert point is not None
        await first.meet(point.address)
        self.session = await LinkSession.establish(await point.accept(), START_SECONDS, self._opened)
        first.close()
        self.point = point
        self.sandbox = Sandbox(self.session, point)

    async def open_doors(self) -> None:
        """Take connections, and tell the agent of the network."""
        self.left = list(await self.sandbox.take_connections(PORTS, self.take))
        await self.sandbox.set_network(NAMES, self.left, {}, None)

    def take(self, host: object, port: int, connection: Connection) -> None:
        """See runtime.doors.Take."""
        self.taken.put_nowait((host, port, connection))

    async def next(self) -> Connection:
        """The next connection that a program makes."""
        async with asyncio.timeout(START_SECONDS):
            return (await self.taken.get())[2]


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[DockerEngine]:
    """The local Docker engine."""
    connected = await DockerEngine.connect(runtime=None, cpus=1.0)
    yield connected
    await connected.aclose()


@asynccontextmanager
async def sandbox(engine: DockerEngine) -> AsyncIterator[OpenBox]:
    """A new sandbox, linked."""
    async with container_agent(engine, f"sandlot-test-{uuid.uuid4().hex}", {"sandlot.test": "doors"}) as agent:
        box = OpenBox(agent)
        await box.connect()
        yield box
        box.sandbox.close()
        await asyncio.sleep(0.1)  # for what was cut off to be closed


@pytest.fixture
async def box(engine: DockerEngine) -> AsyncIterator[OpenBox]:
    """A sandbox with a network and open doors."""
    async with sandbox(engine) as linked:
        await linked.open_doors()
        yield linked


async def test_a_connection_is_taken_past_the_link(box: OpenBox) -> None:
    """With the name that was meant, and the port; bytes and ends pass both ways. On the link there is nothing of it."""
    assert box.left == []
    program = box.program("s = connect('API.test', 80); s.sendall(b'ask'); s.shutdown(1); print(read_all(s))")
    host, port, connection = await box.taken.get()
    assert (host, port) == ("api.test", 80)
    assert await connection.receive() == b"ask"
    assert await connection.receive() == b""
    connection.write(b"answer")
    connection.end()
    assert (await program).stdout == "b'answer'\n"
    connection.close()
    assert box.connections.empty()


async def test_a_pattern_and_another_name(box: OpenBox) -> None:
    """Each name is told from the others, also when it is met again."""
    for host in ("a.wild.test", "b.wild.test", "other.test", "a.wild.test"):
        program = box.program(f"read_all(connect('{host}'))")
        taken, _, connection = await box.taken.get()
        assert taken == host
        connection.end()
        await program
        connection.close()


async def test_connections_are_cut_off_from_either_side(box: OpenBox) -> None:
    """The program sees a reset, and so does the service."""
    program = box.program("connect().recv(1)")
    (await box.next()).close()
    assert RESET in (await program).stderr
    program = box.program("s = connect(); s.recv(1); cut_off(s)")
    connection = await box.next()
    lost = asyncio.Event()
    connection.on_lost(lost.set)
    connection.write(b"x")
    await program
    async with asyncio.timeout(START_SECONDS):
        await lost.wait()
    connection.close()


async def test_an_address_that_stands_for_nothing(box: OpenBox) -> None:
    """Who connects to an open port by another address than a name's is reset, and it isn't taken."""
    for address in ("127.0.0.1", "127.53.200.1", "127.99.0.1"):
        stderr = (await box.program(f"s = connect('{address}'); s.recv(1)")).stderr
        assert RESET in stderr or "BrokenPipeError" in stderr
    assert box.taken.empty()


async def test_the_end_of_the_link_ends_it_all(box: OpenBox) -> None:
    """What was taken is cut off, and nobody listens any more, until there is a new link."""
    box.program("""
s = connect()
try:
    s.sendall(b"x")
    s.recv(1)
except ConnectionResetError:
    s = socket.socket()
    open("done", "w").write(str(s.connect_ex((socket.gethostbyname("api.test"), 443))))
""")
    connection = await box.next()
    lost = asyncio.Event()
    connection.on_lost(lost.set)
    box.session.close()
    await lost.wait()
    await box.connect()
    assert await box.run("until [ -s done ]; do sleep 0.01; done; cat done") == "111"  # refused
    await box.open_doors()
    assert box.left == []
    program = box.program("read_all(connect())")
    (await box.next()).end()
    await program


@pytest.mark.parametrize("turns", [0, 1])
async def test_a_link_that_ends_too_early(engine: DockerEngine, turns: int) -> None:
    """Doors that were closed before they are open, or meanwhile, stay closed."""
    async with sandbox(engine) as box:
        opening = asyncio.create_task(box.sandbox.take_connections(PORTS, box.take))
        for _ in range(turns):
            await asyncio.sleep(0)
        box.session.close()
        assert await opening == PORTS
        await box.connect()
        assert await box.run("cat /proc/net/tcp | grep -c ' 0A ' || true") == "0\n"


async def test_ports_that_programs_have_taken(engine: DockerEngine) -> None:
    """The others are open all the same; these are said to be taken."""
    async with sandbox(engine) as box:
        await listen(box, 443)
        await box.open_doors()
        assert box.left == [443]
        box.program("read_all(connect(port=80))")
        (await box.next()).close()


async def test_two_sandboxes(engine: DockerEngine, box: OpenBox) -> None:
    """What a sandbox's programs connect to is taken as that sandbox's, and as no other's."""
    async with sandbox(engine) as other:
        await other.open_doors()
        for one, rest in ((box, other), (other, box)):
            program = one.program("read_all(connect())")
            connection = await one.next()
            connection.end()
            await program
            connection.close()
            assert rest.taken.empty()


async def test_a_sandbox_that_is_gone(engine: DockerEngine) -> None:
    """Its connections end, and so does the link that its doors depend on."""
    async with sandbox(engine) as box:
        await box.open_doors()
        program = box.program("connect().recv(1)")
        connection = await box.next()
        lost = asyncio.Event()
        box.session.on_lost(lost.set)
        await engine.destroy(box.name)
        async with asyncio.timeout(START_SECONDS):
            await lost.wait()
        connection.close()
        with pytest.raises(SandboxLost):
            await program


@pytest.mark.parametrize("answer", [{"a": 1}, 5, "x" * 60_000, ["api.test"]], ids=type)
async def test_an_agent_that_says_anything(engine: DockerEngine, answer: object) -> None:
    """What an agent says of an address is passed on for the gate to judge, and isn't kept unless it may be a name."""

    async def says(_: str) -> object:
        return answer

    async with sandbox(engine) as box, opened(box, says) as doors:
        box.program("connect('127.0.0.1').recv(1)")
        host, _, connection = await box.taken.get()
        assert host == answer
        assert not doors._hosts
        connection.close()


async def test_an_agent_that_says_nothing(engine: DockerEngine) -> None:
    """It holds up connections on that port of its own sandbox; failing, it has them reset. The service goes on."""
    asked = asyncio.Event()

    async def fails(address: str) -> object:
        asked.set()
        if address == "127.0.0.1":
            raise SandboxLost("It was asked too much.")
        return await asyncio.Event().wait()

    async with sandbox(engine) as box, opened(box, fails):
        assert RESET in (await box.program("connect('127.0.0.1').recv(1)")).stderr
        asked.clear()
        held = box.program("connect('127.0.0.2').recv(1)")
        await asked.wait()
        assert RESET in (await box.program("connect('127.0.0.1', 80).recv(1)")).stderr
        assert not held.done()
        held.cancel()
    assert box.taken.empty()


@asynccontextmanager
async def opened(box: OpenBox, host_at: HostAt) -> AsyncIterator[Doors]:
    """Doors whose agent answers in its own way."""
    doors = Doors(box.point, host_at)
    await doors.open(PORTS, box.take)
    yield doors
    doors.close()
