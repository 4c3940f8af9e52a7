from __future__ import annotations

import asyncio
import ssl

import pytest

from runtime.egress.tls import TlsChannel
from tests.runtime.egress.memory_connections import Program


@pytest.mark.parametrize("let_go", [False, True])
async def test_whoever_lets_go_of_a_channel_does_nothing_more_with_it(let_go: bool) -> None:
    """Not even what was begun: the end that was to be told isn't, once nobody looks after the channel."""
    program = Program()
    tls = TlsChannel.as_client(program.connection, ssl.create_default_context(), "example.com")
    tls.end()
    if let_go:
        tls.let_go()
    for _ in range(3):
        await asyncio.sleep(0)
    told = asyncio.create_task(program.receive())
    await asyncio.sleep(0)
    assert told.done() is not let_go
    told.cancel()
