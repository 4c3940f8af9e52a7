"""Agents that stop answering: whoever waits is told in time, and may go on with something else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import pytest

from runtime import answering as answering_module
from runtime.errors import AgentMisbehaved, SandlotError
from runtime.link.frames import DATA, OPEN, REPLY, WINDOW, Frame, encode, encode_json
from runtime.sandbox import Sandbox
from runtime.sandbox_calls import CallAnswer, FollowedCall
from tests.runtime.link.box import finished, pieces_of
from tests.runtime.link.hostile import HostileStream, paced, sandbox_of, silent

Ask = Callable[[Sandbox], Awaitable[object]]


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering_module, "ANSWER_SECONDS", 0.1)


async def _write(sandbox: Sandbox, size: int = 10) -> None:
    await (await sandbox.write("a", pieces_of(bytes(size)))).finish()


async def _read(sandbox: Sandbox) -> int:
    reading = await sandbox.read(b"a")
    return sum([len(piece) async for piece in reading.pieces()])


async def _end_of(followed: Awaitable[FollowedCall | CallAnswer]) -> None:
    await finished(await followed)


ASKS: dict[str, Ask] = {
    "list": lambda sandbox: sandbox.list(10),
    "remove": lambda sandbox: sandbox.remove(b"a"),
    "used": lambda sandbox: sandbox.is_used(),
    "read": _read,
    "write": _write,
    "write much": lambda sandbox: _write(sandbox, 2 * WINDOW),
    "run": lambda sandbox: sandbox.run({}),
    "run with much": lambda sandbox: sandbox.run({"stdin": "x" * 2 * WINDOW}),
    "follow": lambda sandbox: _end_of(sandbox.follow("a")),
    "snapshot": lambda sandbox: _end_of(sandbox.snapshot("a")),
    "cancel": lambda sandbox: _end_of(sandbox.cancel("a")),
}


@pytest.mark.parametrize("ask", ASKS)
async def test_no_answer(ask: str) -> None:
    """Each request has a deadline for its answer to begin."""
    sandbox = await sandbox_of(HostileStream(silent))
    with pytest.raises(AgentMisbehaved):
        await ASKS[ask](sandbox)


@pytest.mark.parametrize("ask", ["list", "read", "follow", "snapshot", "cancel"])
@pytest.mark.parametrize("begun", [b"", b"[", b"{"])
async def test_half_an_answer(ask: str, begun: bytes) -> None:
    """An answer that has begun has a deadline to go on; a call's, to be described."""

    def answer(frame: Frame) -> Iterable[bytes]:
        if frame.kind == OPEN:
            yield encode_json(REPLY, frame.channel, {"size": 100})
            if begun:
                yield encode(DATA, frame.channel, begun)

    sandbox = await sandbox_of(HostileStream(answer))
    with pytest.raises(AgentMisbehaved):
        await ASKS[ask](sandbox)


@pytest.mark.parametrize("ask", ["write", "run"])
async def test_an_agent_that_does_not_read(ask: str) -> None:
    """Sending has a deadline too."""
    sandbox = await sandbox_of(HostileStream(silent, takes_more=False))
    with pytest.raises(SandlotError):
        await ASKS[ask](sandbox)


async def test_the_body_may_be_slow() -> None:
    """The deadline is the agent's, not that of whoever sends a file's bytes."""

    async def body() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.sleep(0.3)
        yield b"b"

    sandbox = await sandbox_of(HostileStream(paced({"path": "a", "size": 2}, b"")))
    assert await (await sandbox.write("a", body())).finish() == (b"a", 2)
