from __future__ import annotations

import asyncio
import socket
from asyncio.subprocess import DEVNULL, PIPE

from runtime.egress.authority import Authority
from runtime.egress.bytes import ChannelBroken
from runtime.egress.tcp import TcpChannel
from runtime.egress.tls import TlsChannel
from tests.runtime.egress.test_channels import Told

HOST = "api.example.com"


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
