"""The sandboxes that a service keeps ready, seen from outside."""

from __future__ import annotations

from collections.abc import Mapping

from bench.scale.services import pool_of, wait_until_ready
from tests.service import Service

SIZE = 4

SETTINGS: Mapping[str, str] = pool_of(SIZE)
"""What makes a service keep as many."""


def wait_until_full(service: Service) -> None:
    """Return once a service with these SETTINGS has all of them again, and nothing more to do for it."""
    wait_until_ready(service, SIZE)
