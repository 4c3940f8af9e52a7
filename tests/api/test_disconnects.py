from __future__ import annotations

import asyncio

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from api.disconnects import unless_client_leaves


class Client:
    """Sends the rest of an empty body, stays, and hangs up when it is told to."""

    def __init__(self) -> None:
        self.leaves = asyncio.Event()
        self._body = [{"type": "http.request", "body": b"", "more_body": False}]

    def request(self) -> Request:
        """What it asks for."""
        return Request({"type": "http"}, self._receive)

    async def _receive(self) -> Message:
        if self._body:
            return self._body.pop()
        await self.leaves.wait()
        return {"type": "http.disconnect"}


class Work:
    """Something that takes a while, and then to be called off."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.cleaned_up = False

    async def do(self) -> None:
        """Never end by itself."""
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            self.cleaned_up = True


async def test_a_client_that_stays() -> None:
    """It gets what the work returns, or raises."""

    async def work() -> int:
        await asyncio.sleep(0.01)
        return 7

    async def fail() -> None:
        raise ZeroDivisionError

    assert await unless_client_leaves(Client().request(), work()) == 7
    with pytest.raises(ZeroDivisionError):
        await unless_client_leaves(Client().request(), fail())


async def test_a_client_that_leaves() -> None:
    """The work is called off, and has cleaned up after itself when that is told."""
    client, work = Client(), Work()
    waiting = asyncio.create_task(unless_client_leaves(client.request(), work.do()))
    await work.begun.wait()
    client.leaves.set()
    with pytest.raises(ClientDisconnect):
        await waiting
    assert work.cleaned_up


async def test_the_end_of_the_service() -> None:
    """So it is when the request's own task is cancelled."""
    work = Work()
    waiting = asyncio.create_task(unless_client_leaves(Client().request(), work.do()))
    await work.begun.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert work.cleaned_up
