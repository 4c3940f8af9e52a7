"""How tests have a container's time be up, and see that it is."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import httpx

from tests.service import Service

SWEPT_SECONDS = 30


def make_due(service: Service, container_id: str) -> None:
    """Have a container's time be up as soon as it is not in use: in the database its minutes become none."""
    with closing(sqlite3.connect(service.data_dir / "sandlot.db", timeout=30)) as database, database:
        database.execute("UPDATE containers SET expires_after_minutes = 0 WHERE id = ?", [container_id])


def has_expired(http: httpx.Client, container_id: str) -> bool:
    """Whether the list, which is no use of a container, shows it as expired."""
    listed = http.get("/containers", params={"limit": 100}).json()["data"]
    return (container_id, "expired") in [(container["id"], container["status"]) for container in listed]
