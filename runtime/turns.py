"""Turns of the event loop, for connections that would fill them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from functools import partial
from weakref import WeakKeyDictionary

LARGE = 128 * 1024
"""Bytes after which a connection is read on in turn only. By itself uvloop reads up to 8 MB before the next one's."""

_whose: ContextVar[object] = ContextVar("whose", default=None)


def share_turns() -> None:
    """Let all that is done in this context, and in those that come of it, share the turns of one.

    However many connections a sandbox has, it gets no more turns than another one.
    """
    _whose.set(object())


def in_turn(callback: Callable[[], None]) -> None:
    """As `call_soon`, but only one callback in each turn of the loop, however many are waiting, and of each in turn.

    So what a small connection waits for is one large one's piece, not a piece of each of them.
    """
    _of_loops.setdefault(asyncio.get_running_loop(), _Turns()).add(callback)


class _Turns:
    """Callbacks by whose turn they are for, in the order of these turns."""

    def __init__(self) -> None:
        self._waiting: dict[object, deque[Callable[[], None]]] = {}

    def add(self, callback: Callable[[], None]) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._next)
        self._waiting.setdefault(_whose.get(), deque()).append(partial(copy_context().run, callback))

    def _next(self) -> None:
        whose = next(iter(self._waiting))
        callback = self._waiting[whose].popleft()
        try:
            callback()
        finally:
            if left := self._waiting.pop(whose):
                self._waiting[whose] = left
            if self._waiting:
                asyncio.get_running_loop().call_soon(self._next)


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Turns] = WeakKeyDictionary()
