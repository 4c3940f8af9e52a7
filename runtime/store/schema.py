"""Brings a database's tables up to date, by alembic but without its command line, ini file or logging."""

from __future__ import annotations

import threading

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Connection
from sqlalchemy.exc import DBAPIError

from runtime.errors import DatabaseUnusable
from runtime.store.connections import database_engine

# alembic's `op` and `context` are modules with one current migration: one thread at a time may be in them.
_migrating = threading.Lock()


def alembic_config(connection: Connection) -> Config:
    """What alembic's commands need to work on `connection`. The caller begins and commits."""
    config = Config()
    config.set_main_option("script_location", "runtime.store:migrations")
    config.attributes["connection"] = connection
    return config


def upgrade(url: URL) -> None:
    """Migrate the database at `url` to this version's tables, in one transaction; make it if need be.

    Blocks, so call it in a thread. Raises DatabaseUnusable.
    """
    shown = url.render_as_string(hide_password=True)
    try:
        with _migrating, database_engine(url).begin() as connection:
            # With the write lock from the start, a second process waits, and then finds the work done.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            command.upgrade(alembic_config(connection), "head")
    except CommandError as error:
        raise DatabaseUnusable(
            f"The database {shown} was made by another, probably newer version of Sandlot: {error}"
        ) from error
    except DBAPIError as error:
        raise DatabaseUnusable(f"The database {shown} can't be used: {error.orig}") from error
