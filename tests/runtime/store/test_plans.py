"""Lists and sweeps stay flat however many records there are: they walk an index and sort nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, make_url

from runtime.file_values import FilePurpose
from runtime.store.blobs import SqlBlobRecords
from runtime.store.connections import Connections, open_connections
from runtime.store.container_files import SqlContainerFileStore
from runtime.store.containers import SqlContainerStore
from runtime.store.database import sqlite_url
from runtime.store.files import SqlFileStore
from runtime.store.schema import upgrade
from runtime.store.skills import SqlSkillStore
from runtime.store.uploads import SqlUploadStore
from runtime.values import ContainerStatus, PageRequest
from tests.runtime.store.records import OWNER, QUOTA, container, container_file, file, skill

# How the size of what is kept in a blob is found.
BLOB = "SEARCH blobs USING INDEX sqlite_autoindex_blobs_1 (id=?)"

# How it is found what a container may reach.
NETWORK = "SEARCH container_networks USING INDEX sqlite_autoindex_container_networks_1 (container_id=?) LEFT-JOIN"


@pytest.fixture
async def connections(database_file: Path) -> AsyncIterator[Connections]:
    """Connections to a new database, without a store around them."""
    url = make_url(sqlite_url(database_file))
    upgrade(url)
    async with open_connections(url) as opened:
        yield opened


@asynccontextmanager
async def plans(connections: Connections, database_file: Path) -> AsyncIterator[list[str]]:
    """Fills the list with SQLite's plan for each statement read meanwhile, a step a line."""
    found: list[str] = []

    def explain(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        with closing(sqlite3.connect(database_file)) as database:
            steps = database.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
        found.append("\n".join(step[3] for step in steps))

    engine = await connections.read(lambda connection: connection.engine)
    event.listen(engine, "before_cursor_execute", explain)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", explain)


async def test_listing_containers_walks_an_index(connections: Connections, database_file: Path) -> None:
    """With and without a name, both ways, from the start and from the middle; each row has its network looked up."""
    containers = SqlContainerStore(connections)
    kept = container()
    await containers.add(kept)
    async with plans(connections, database_file) as found:
        await containers.list(OWNER, PageRequest())
        await containers.list(OWNER, PageRequest(order="asc"), name="box")
        await containers.list(OWNER, PageRequest(after=kept.id))
        await containers.list(OWNER, PageRequest(after=kept.id, order="asc"), name="box")
    listed = "SEARCH containers USING INDEX ix_containers_listed"
    named = "SEARCH containers USING INDEX ix_containers_named"
    cursor = "SEARCH containers USING INDEX sqlite_autoindex_containers_1 (id=?)"
    keyset = "(created_at,id)"
    assert found == [
        f"{listed} (owner=?)\n{NETWORK}",
        f"{named} (owner=? AND name=?)\n{NETWORK}",
        cursor,
        f"{listed} (owner=? AND {keyset}<(?,?))\n{NETWORK}",
        cursor,
        f"{named} (owner=? AND name=? AND {keyset}>(?,?))\n{NETWORK}",
    ]


async def test_listing_container_files_walks_an_index(connections: Connections, database_file: Path) -> None:
    """From the start and from the middle."""
    home = container()
    await SqlContainerStore(connections).add(home)
    files = SqlContainerFileStore(connections)
    kept = await files.add(container_file(home.id))
    async with plans(connections, database_file) as found:
        await files.list(home.id, PageRequest())
        await files.list(home.id, PageRequest(after=kept.id))
    listed = "SEARCH container_files USING INDEX ix_container_files_listed"
    assert found == [
        f"{listed} (container_id=?)",
        "SEARCH container_files USING INDEX sqlite_autoindex_container_files_1 (id=?)",
        f"{listed} (container_id=? AND (created_at,id)<(?,?))",
    ]


async def test_the_sweep_looks_only_at_what_is_due(connections: Connections, database_file: Path) -> None:
    """It enters the index at the time and walks it in order; states are looked up in the same one."""
    containers = SqlContainerStore(connections)
    async with plans(connections, database_file) as found:
        await containers.due(now=0)
        await containers.in_status(ContainerStatus.CREATING, ContainerStatus.DELETING)
    due = "SEARCH containers USING INDEX ix_containers_due"
    assert found == [f"{due} (status=? AND expires_at<?)\n{NETWORK}", f"{due} (status=?)\n{NETWORK}"]


async def test_listing_files_walks_an_index(connections: Connections, database_file: Path) -> None:
    """With and without a purpose, from the start and from the middle; each row then has its blob looked up."""
    files = SqlFileStore(connections)
    kept = file()
    await files.add(kept, QUOTA)
    async with plans(connections, database_file) as found:
        await files.list(OWNER, PageRequest(), None, now=0)
        await files.list(OWNER, PageRequest(order="asc", after=kept.id), FilePurpose.BATCH, now=0)
        await files.due(now=0)
    cursor = "SEARCH files USING INDEX sqlite_autoindex_files_1 (id=?)"
    assert found == [
        f"SEARCH files USING INDEX ix_files_listed (owner=?)\n{BLOB}",
        f"{cursor}\n{BLOB.replace('INDEX', 'COVERING INDEX')}",
        f"SEARCH files USING INDEX ix_files_of_purpose (owner=? AND purpose=? AND (created_at,id)>(?,?))\n{BLOB}",
        f"SEARCH files USING INDEX ix_files_due (expires_at<?)\n{BLOB}",
    ]


async def test_listing_skills_walks_an_index(connections: Connections, database_file: Path) -> None:
    """From the middle; each row then has its default and its latest version looked up, by one index."""
    skills = SqlSkillStore(connections)
    owned, first = skill()
    await skills.add(owned, first, QUOTA)
    async with plans(connections, database_file) as found:
        await skills.list(OWNER, PageRequest(after=owned.id))
    numbers = "INDEX sqlite_autoindex_skill_versions_3"
    assert found[1].splitlines() == [
        "SEARCH skills USING INDEX ix_skills_listed (owner=? AND (created_at,id)<(?,?))",
        f"SEARCH skill_versions USING {numbers} (skill_id=? AND version=?)",
        "CORRELATED SCALAR SUBQUERY 1",
        f"SEARCH skill_versions_1 USING COVERING {numbers} (skill_id=?)",
    ]


async def test_listing_versions_walks_an_index(connections: Connections, database_file: Path) -> None:
    """From the start and from the middle, by their numbers, after one look at whose skill it is."""
    skills = SqlSkillStore(connections)
    owned, first = skill()
    await skills.add(owned, first, QUOTA)
    async with plans(connections, database_file) as found:
        await skills.versions(OWNER, owned.id, PageRequest())
        await skills.versions(OWNER, owned.id, PageRequest(after=first.id))
    owner = "SEARCH skills USING INDEX sqlite_autoindex_skills_1 (id=?)"
    listed = "SEARCH skill_versions USING INDEX sqlite_autoindex_skill_versions_3"
    assert found[0] == f"{owner}\n{listed} (skill_id=?)\n{BLOB}"
    assert found[2] == f"{owner}\n{listed} (skill_id=? AND version<?)\n{BLOB}"


async def test_what_a_create_refers_to_is_found_by_an_index(connections: Connections, database_file: Path) -> None:
    """However many files and skills there are, each that is meant is looked up, and none beside them."""
    skills = SqlSkillStore(connections)
    async with plans(connections, database_file) as found:
        await SqlFileStore(connections).find_all(OWNER, ["file-1", "file-2"])
        await skills.find_all(OWNER, ["skill_1", "skill_2"])
        await skills.find_versions(OWNER, [("skill_1", 1), ("skill_2", 2)])
    versions = "INDEX sqlite_autoindex_skill_versions_3"
    assert found[0] == f"SEARCH files USING INDEX sqlite_autoindex_files_1 (id=?)\n{BLOB}"
    assert found[1].splitlines()[:2] == [
        "SEARCH skills USING INDEX sqlite_autoindex_skills_1 (id=?)",
        f"SEARCH skill_versions USING {versions} (skill_id=? AND version=?)",
    ]
    assert found[2].splitlines()[0] == f"SEARCH skill_versions USING {versions} (skill_id=? AND version=?)"


async def test_usage_is_added_up_from_the_index_alone(connections: Connections, database_file: Path) -> None:
    """No row of a blob is read for it."""
    async with plans(connections, database_file) as found:
        await SqlBlobRecords(connections).usage(OWNER)
    assert found == ["SEARCH blobs USING COVERING INDEX ix_blobs_usage (owner=?)"]


async def test_uploads_and_their_parts_are_found_by_an_index(connections: Connections, database_file: Path) -> None:
    """The sweep looks only at what is due, and parts come in their order without being sorted."""
    uploads = SqlUploadStore(connections)
    async with plans(connections, database_file) as found:
        await uploads.due(now=0)
        await uploads.parts("upload_1")
    assert found == [
        "SEARCH uploads USING INDEX ix_uploads_due (status=? AND expires_at<?)",
        f"SEARCH upload_parts USING INDEX ix_upload_parts_listed (upload_id=?)\n{BLOB}",
    ]
