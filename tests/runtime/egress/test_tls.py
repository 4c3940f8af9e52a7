from __future__ import annotations

import asyncio
import os
import socket
from asyncio.subprocess import DEVNULL, PIPE

import pytest

from runtime.egress.authority import Authority
from runtime.egress.bytes import ChannelBroken
from runtime.egress.tcp import TcpChannel
from runtime.egress.tls import TlsChannel
from runtime.errors import SandboxLost
from tests.memory import MIB, growth
from tests.runtime.egress.memory_connections import Program, metered
from tests.runtime.egress.receivers import Told
from tests.runtime.egress.stub_resolvers import SECONDS
from tests.runtime.egress.tls_programs import HOST, tls_channel


@pytest.mark.parametrize("before", [True, False])
async def test_what_is_no_tls_is_no_end(before: bool) -> None:
    """Bytes that are none of it, before there is a receiver and after: what was said still counts, then it is lost."""
    async with tls_channel() as (channel, program):
        told = Told()
        if not before:
            channel.hand_over(told)
        await program.send(b"said")
        await program.program.send(b"no TLS" * 100)
        await asyncio.sleep(0.01)
        if before:
            channel.hand_over(told)
        await told.until(lambda: bool(told.lost))
        assert isinstance(told.lost[0], ChannelBroken)
        assert (told.data, told.ends, len(told.lost)) == (b"said", 0, 1)


async def test_an_end_is_one_of_tls_and_of_what_is_below() -> None:
    """Programs take the second alone for a loss, and some wait for it after the first. Nothing is said afterwards."""
    async with tls_channel() as (channel, program):
        channel.hand_over(Told())
        channel.write(b"said")
        channel.end()
        with pytest.raises(ChannelBroken):
            channel.write(b"more")
        assert await program.receive() == b"said"
        assert await program.receive_more() == b""
        assert await program.program.receive() == b""


async def test_who_is_gone_before_tls_is_agreed_on() -> None:
    """Nobody waits for a handshake that can't go on."""
    channel = TlsChannel.as_server(metered(program := Program()), Authority([HOST]).context(HOST), b"")
    agreeing = asyncio.create_task(channel.shake_hands())
    await asyncio.sleep(0)
    program.cut()
    with pytest.raises(SandboxLost):
        await asyncio.wait_for(agreeing, SECONDS)
    channel.close()


@pytest.mark.parametrize("own", [True, False])
async def test_what_comes_after_a_goodbye_is_not_kept(own: bool) -> None:
    """Whoever has said it, and however much that is."""
    async with tls_channel() as (channel, program):
        channel.hand_over(told := Told())
        if own:
            channel.end()
        else:
            await program.say_goodbye()
            await told.until(lambda: told.ends == 1)
        with growth(os.getpid(), "64 MiB after a goodbye") as grown:
            for _ in range(64):
                await program.program.send(bytes(MIB))
        assert grown() < 16 * MIB
        assert (told.data, told.lost) == (b"", [])


async def test_who_asks_tls_alone_is_cut_off() -> None:
    """For new keys, over and over, without ever saying anything: the answers would pile up here."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        command = ["s_client", "-connect", address, "-servername", HOST, "-brief"]
        client = await asyncio.create_subprocess_exec("openssl", *command, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL)
        assert client.stdin is not None
        program, _ = await asyncio.get_running_loop().sock_accept(listener)
        channel = TlsChannel.as_server(await TcpChannel.over(program), Authority([HOST]).context(HOST), b"")
        await channel.shake_hands()
        channel.hand_over(told := Told())
        for _ in range(10_000):
            if told.lost:
                break
            client.stdin.write(b"K\n")
            await asyncio.sleep(0.001)
        client.kill()
        await client.wait()
        channel.close()
    assert isinstance(told.lost[0], ChannelBroken)
    assert told.data == b""
