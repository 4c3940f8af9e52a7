"""The sandboxes that a service keeps ready, seen from outside."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping, Set
from contextlib import closing

from bench.scale.services import SETTLE_SECONDS, pool_of, sandboxes
from tests.service import Service, wait_until

SIZE = 4
FILL_SECONDS = 60.0

SETTINGS: Mapping[str, str] = pool_of(SIZE)
"""What makes a service keep as many."""


def wait_until_full(service: Service) -> None:
    """Return once a service with these SETTINGS has all of them again, and nothing more to do for it."""
    if _is_full(service):
        return
    wait_until(lambda: _is_full(service), FILL_SECONDS, "The pool doesn't fill")
    time.sleep(SETTLE_SECONDS)


def _is_full(service: Service) -> bool:
    return len(sandboxes(service).keys() - _claimed(service)) >= SIZE


def _claimed(service: Service) -> Set[str]:
    """The names of sandboxes that are, or ever were, containers."""
    with closing(sqlite3.connect(service.data_dir / "sandlot.db")) as database:
        return {name for (name,) in database.execute("SELECT id FROM containers")}
