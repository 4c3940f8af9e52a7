"""What is fuzzed: each module has `check`, which fails on bytes that are dealt with wrongly, and `SEEDS` for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol, cast

NAMES = [target.name for target in iter_modules(__path__)]


class Target(Protocol):
    """What such a module is. The seeds are some bytes of each kind, to begin with."""

    SEEDS: Sequence[bytes]
    check: Callable[[bytes], None]


def target(name: str) -> Target:
    """The module of this name. Its imports happen here, not before, so that they can be watched."""
    return cast(Target, import_module(f"{__name__}.{name}"))
