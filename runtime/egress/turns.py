"""Turns of the event loop, for connections that would fill them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from weakref import WeakKeyDictionary

LARGE = 128 * 1024
"""Bytes after which a connection is read on in turn only. By itself uvloop reads up to 8 MB before the next one's."""

_Calls = deque[Callable[[], None]]
_waiting: WeakKeyDictionary[asyncio.AbstractEventLoop, _Calls] = WeakKeyDictionary()


def in_turn(callback: Callable[[], None]) -> None:
    """As `call_soon`, but only one callback in each turn of the loop, however many sandboxes have some waiting.

    So what a small connection waits for is one large one's piece, not a piece of each of them.
    """
    loop = asyncio.get_running_loop()
    calls = _waiting.setdefault(loop, deque())
    calls.append(callback)
    if len(calls) == 1:
        loop.call_soon(_next, calls)


def _next(calls: _Calls) -> None:
    callback = calls[0]
    try:
        callback()
    finally:
        calls.popleft()
        if calls:
            asyncio.get_running_loop().call_soon(_next, calls)
