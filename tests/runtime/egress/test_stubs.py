from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

import httpx
import pytest
import trustme

from runtime.errors import SandboxLost
from tests.runtime.egress.memory_connections import WINDOW, ConnectionReset, Program
from tests.runtime.egress.stub_servers import StubServer, new_address
from tests.runtime.egress.stub_streams import server_context


def test_a_stub_speaks_http_in_tls_and_notes_what_it_was_sent(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    """Both what came over the wire and what was in it."""
    with (
        StubServer(443, tls=server_context(authority.issue_cert(address := new_address())), address=address) as server,
        httpx.Client(base_url=f"https://{address}", verify=trusting) as client,
    ):
        echoed = client.post("/echo", content=b"body", headers={"X-Canary": "sings"}).text
        assert "x-canary: sings\n" in echoed.lower()
        assert echoed.endswith("\nbody")
        assert len(client.get("/bytes/1000000").content) == len(client.get("/chunked/1000000").content) == 1_000_000
    assert b"sings" in server.received
    assert b"sings" not in server.raw
    assert len(server.connections) == 1


async def test_a_program_that_sends_waits_for_the_gate() -> None:
    """A window's worth goes; the rest once there is room."""
    program = Program()
    sending = asyncio.create_task(program.send(b"x" * (WINDOW + 1)))
    await asyncio.sleep(0.01)
    assert not sending.done()
    assert len(await program.gate_end.receive()) == WINDOW
    await sending
    assert await program.gate_end.receive() == b"x"


async def test_a_connection_that_was_let_go_is_reset_unless_both_sides_had_ended() -> None:
    """As programs see it on a socket."""
    for ended in (False, True):
        program = Program()
        await program.gate_end.send(b"last words")
        if ended:
            program.end()
            program.gate_end.end()
        program.gate_end.close()
        with suppress(ConnectionReset):
            assert await program.read_all() == b"last words"
            assert ended


async def test_a_connection_that_is_cut_off_tells_the_gate() -> None:
    """Who waits, who comes later, and who asked to be called."""
    program = Program()
    called = asyncio.Event()
    program.gate_end.on_lost(called.set)
    waiting = asyncio.create_task(program.gate_end.receive())
    await asyncio.sleep(0)
    program.cut()
    await called.wait()
    with pytest.raises(SandboxLost):
        await waiting
    with pytest.raises(SandboxLost):
        await program.gate_end.send(b"x")
