"""A connection to a server that is made while something else is still being done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar


class Closable(Protocol):
    """What is to be closed, once at least."""

    def close(self) -> None:
        """Let go of it; idempotent."""


C = TypeVar("C", bound=Closable)


@asynccontextmanager
async def meanwhile(connect: Coroutine[Any, Any, C]) -> AsyncIterator[asyncio.Task[C]]:
    """Begin to `connect`. Who needs the connection awaits the task, and is told then if there is none.

    At the end it is closed, or no longer made. What went wrong without being asked for concerns nobody.
    """
    connecting = asyncio.get_running_loop().create_task(connect)
    try:
        yield connecting
    finally:
        if not connecting.cancel() and not connecting.cancelled() and connecting.exception() is None:
            connecting.result().close()
