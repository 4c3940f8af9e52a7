"""Connections that programs make: bytes and ends pass both ways, resets too, and nobody waits for another."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from hashlib import sha256

import pytest

from runtime.errors import SandboxLost
from runtime.link.connection import LinkConnection
from runtime.link.frames import CONNECTION_WINDOW, DATA, HEADER, MAX_PAYLOAD, encode
from tests.runtime.link.box import agent_memory
from tests.runtime.link.networked import NetworkedBox, read_all

MIB = 1024**2
RESET = "ConnectionResetError"


async def test_a_program_that_knows_nothing_of_it(networked: NetworkedBox) -> None:
    """curl reaches an allowed host by its name, and the host's side is told which it meant, and the port."""
    curl = asyncio.create_task(networked.run("curl -s http://API.test/hello"))
    header, connection = await networked.connections.get()
    assert header == {"op": "connect", "host": "api.test", "port": 80}
    assert (await connection.receive()).startswith(b"GET /hello HTTP/1.1\r\nHost: API.test\r\n")
    await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nworld")
    connection.end()
    assert await curl == "world"
    assert await connection.receive() == b""


async def test_the_program_ends_first(networked: NetworkedBox) -> None:
    """After a program's end it can still be answered."""
    program = networked.program("s = connect(); s.sendall(b'ask'); s.shutdown(1); print(read_all(s))")
    connection = await networked.connection()
    assert await read_all(connection) == b"ask"
    await connection.send(b"answer")
    connection.end()
    assert (await program).stdout == "b'answer'\n"
    connection.close()
    assert not networked.session.lost


async def test_the_host_ends_first(networked: NetworkedBox) -> None:
    """After the host's end a program can still send."""
    program = networked.program("s = connect(); print(read_all(s)); s.sendall(b'last'); s.close()")
    connection = await networked.connection()
    await connection.send(b"first")
    connection.end()
    connection.end()
    assert await read_all(connection) == b"last"
    assert await connection.receive() == b""
    assert (await program).stdout == "b'first'\n"


async def test_nothing_is_left_on_either_end(networked: NetworkedBox) -> None:
    """When connections have ended in all ways there are, no number is remembered and no descriptor open."""
    before = await networked.run("ls /proc/1/fd 2>/dev/null | wc -l; grep -c : /proc/net/tcp")
    for ending in ("s.close()", "cut_off(s)", "s.shutdown(1); read_all(s)"):
        program = networked.program(f"s = connect(); s.recv(1); {ending}")
        connection = await networked.connection()
        await connection.send(b"x")
        if ending != "cut_off(s)":
            assert await connection.receive() == b""
        connection.end()
        await program
        connection.close()
    program = networked.program("s = connect(); s.recv(1)")
    (await networked.connection()).close()
    await program
    after = await networked.run("ls /proc/1/fd 2>/dev/null | wc -l; grep -c : /proc/net/tcp")
    assert int(after.split()[0]) <= int(before.split()[0])
    assert not networked.session._channels.keys() - {max(networked.session._channels, default=0)}
    assert not networked.session._given_up


async def test_reset_by_the_host(networked: NetworkedBox) -> None:
    """A connection that is closed before its ends is reset in the program, whatever it is at."""
    reading = networked.program("s = connect(); s.sendall(b'x'); s.recv(1)")
    connection = await networked.connection()
    await connection.receive()
    connection.close()
    connection.close()
    assert RESET in (await reading).stderr
    with pytest.raises(SandboxLost):
        await connection.receive()
    with pytest.raises(SandboxLost):
        await connection.send(b"x")
    writing = networked.program("s = connect()\nwhile True: s.sendall(bytes(100000))")
    connection = await networked.connection()
    await connection.receive()
    connection.close()
    stderr = (await writing).stderr
    assert RESET in stderr or "BrokenPipeError" in stderr


async def test_reset_by_the_program(networked: NetworkedBox) -> None:
    """Whoever waits for a connection that the program cuts off is told, and called back."""
    program = networked.program("s = connect(); s.sendall(b'x'); s.recv(1); cut_off(s)")
    connection = await networked.connection()
    lost = asyncio.Event()
    connection.on_lost(lost.set)
    assert await connection.receive() == b"x"
    await connection.send(b"x")
    with pytest.raises(SandboxLost):
        await connection.receive()
    await lost.wait()
    again = asyncio.Event()
    connection.on_lost(again.set)
    await again.wait()
    await program


async def test_a_program_that_vanishes(networked: NetworkedBox) -> None:
    """A program that is killed has ended, and what is sent to it then goes nowhere."""
    program = networked.program("s = connect(); s.sendall(b'x'); os.kill(os.getpid(), signal.SIGKILL)")
    connection = await networked.connection()
    await program
    assert await read_all(connection) == b"x"
    with pytest.raises(SandboxLost):
        await connection.send(bytes(10 * MIB))


async def test_two_hundred_at_once(networked: NetworkedBox) -> None:
    """Each gets back what it sent, all of it, whatever the others do."""
    program = networked.program("""
def one(number):
    s = connect("%d.wild.test" % number)
    data = os.urandom(1000) * (number % 300)
    threading.Thread(target=lambda: (s.sendall(data), s.shutdown(1))).start()
    assert read_all(s) == data, number
threads = [threading.Thread(target=one, args=(number,)) for number in range(200)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print("all")
""")
    async with asyncio.TaskGroup() as tasks:
        for _ in range(200):
            tasks.create_task(_echo(await networked.connection()))
    output = await program
    assert (output.stdout, output.stderr) == ("all\n", "")


async def test_a_program_that_reads_slowly(networked: NetworkedBox) -> None:
    """What a program doesn't take waits with the sender; neither end keeps more than a window of it."""
    data = os.urandom(MIB) * 64
    program = networked.program("""
s = connect()
while not os.path.exists("go"): time.sleep(0.01)
import hashlib
print(hashlib.sha256(read_all(s)).hexdigest())
""")
    connection = await networked.connection()
    before = await agent_memory(networked)
    sending = asyncio.create_task(connection.send(data))
    await _until_still(lambda: connection._outgoing.sent)
    assert not sending.done()
    assert await networked.run("echo alive") == "alive\n"
    assert await agent_memory(networked) - before < 8 * MIB
    await networked.run("touch go")
    await sending
    connection.end()
    assert (await program).stdout == sha256(data).hexdigest() + "\n"
    assert await agent_memory(networked) - before < 8 * MIB
    await networked.run("rm go")


async def test_a_host_that_reads_slowly(networked: NetworkedBox) -> None:
    """A program that sends more than is read has to wait, and all comes in the end."""
    program = networked.program("s = connect(); s.sendall(os.urandom(1 << 20) * 64); s.close()")
    connection = await networked.connection()
    await _until_still(lambda: len(connection._incoming.unread))
    assert len(connection._incoming.unread) == CONNECTION_WINDOW
    assert await networked.run("echo alive") == "alive\n"
    assert not program.done()
    assert len(await read_all(connection)) == 64 * MIB
    assert (await program).stderr == ""


async def test_a_link_that_is_taken_up_again(networked: NetworkedBox) -> None:
    """Open connections are reset by the next session; commands go on, and new connections are made in it."""
    program = networked.program("""
s = connect()
s.sendall(b"x")
try:
    s.recv(1)
except ConnectionResetError:
    connect().sendall(b"second")
    open("done", "w").close()
""")
    connection = await networked.connection()
    await connection.receive()
    networked.session.close()
    with pytest.raises(SandboxLost):
        await connection.receive()
    with pytest.raises(SandboxLost):
        await program
    await networked.connect()
    assert await read_all(await networked.connection()) == b"second"
    await networked.run("until [ -e done ]; do sleep 0.01; done; rm done")


@pytest.mark.parametrize("size", [1, 5, MAX_PAYLOAD - 1, MAX_PAYLOAD, MAX_PAYLOAD + 1, 3 * MAX_PAYLOAD])
async def test_bytes_like_padding(networked: NetworkedBox, size: int) -> None:
    """Bytes that a half frame might have been filled up with are passed on like any others, and at once."""
    data = b"\xff" * size
    program = networked.program(f"s = connect(); print(s.recv({size}, socket.MSG_WAITALL) == b'\\xff' * {size})")
    connection = await networked.connection()
    await connection.send(data)
    assert (await program).stdout == "True\n"
    connection.close()


@pytest.mark.parametrize("part", [HEADER.size, HEADER.size + 1, HEADER.size + 999])
async def test_half_a_frame(networked: NetworkedBox, part: int) -> None:
    """What a host that was killed has begun to send never reaches the program filled up with padding."""
    program = networked.program("""
s = connect()
data = b""
try:
    while piece := s.recv(1 << 20): data += piece
except ConnectionResetError:
    open("got", "wb").write(data)
""")
    connection = await networked.connection()
    await connection.send(b"whole")
    networked.session.send(encode(DATA, connection.number, b"y" * 1000)[:part])
    await asyncio.sleep(0.05)
    networked.session.close()
    await asyncio.wait([program])
    assert isinstance(program.exception(), SandboxLost)
    await networked.connect()
    assert await networked.run("until [ -s got ]; do sleep 0.01; done; cat got; rm got") == "whole"


async def test_a_host_that_wants_none(networked: NetworkedBox) -> None:
    """A session that doesn't say what to do with connections resets them."""
    networked._on_open = None
    networked.session.close()
    await networked.connect()
    assert RESET in (await networked.program("connect().recv(1)")).stderr
    assert await networked.run("getent hosts nowhere.test || echo none") == "none\n"
    assert not networked.session.lost


async def test_an_address_that_stands_for_nothing(networked: NetworkedBox) -> None:
    """Who connects to an open port by another address than a name's is reset, and the host isn't told."""
    for address in ("127.0.0.1", "127.53.200.1", "127.99.0.1"):
        stderr = (await networked.program(f"s = connect('{address}'); s.recv(1)")).stderr
        assert RESET in stderr or "BrokenPipeError" in stderr
    assert networked.connections.empty()


async def test_more_than_a_sandbox_may_have(networked_alone: NetworkedBox) -> None:
    """Beyond a thousand connections at once others are reset; when these are gone there is room again."""
    program = networked_alone.program("""
open_ones = []
refused = 0
for _ in range(1010):
    s = connect()
    open_ones.append(s)
for s in open_ones:
    try:
        refused += s.recv(1) != b"x"
    except ConnectionResetError:
        refused += 1
print(refused)
""")
    connections = [await networked_alone.connection() for _ in range(1000)]
    for connection in connections:
        await connection.send(b"x")
    assert (await program).stdout == "10\n"
    assert networked_alone.connections.empty()
    for connection in connections:
        connection.close()
    later = networked_alone.program("print(read_all(connect()))")
    (await networked_alone.connection()).end()
    assert (await later).stdout == "b''\n"


async def _echo(connection: LinkConnection) -> None:
    while data := await connection.receive():
        await connection.send(data)
    connection.end()


async def _until_still(amount: Callable[[], int]) -> int:
    """Wait until an amount is there, and grows no more."""
    before, now = -1, 0
    while now == 0 or now > before:
        await asyncio.sleep(0.3)
        before, now = now, amount()
    return now
