"""The tables. `migrations/` makes them; a test holds that the two agree.

They are declared as classes so that mypy knows each column's type, and used through Core alone, on
connections: no record is ever changed in memory and written back, so a session with its identity map would
only cost time. Enums are plain strings, times are whole seconds, and paths are bytes, as they are on Linux.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Computed,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Rows(DeclarativeBase):
    """The base of all rows. Constraints have names, so that a later migration can speak of them."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map = {int: BigInteger, bytes: LargeBinary}  # noqa: RUF012 (SQLAlchemy's own spelling)


class InstallationRow(Rows):
    """The one row that says which installation this database belongs to."""

    __tablename__ = "installation"

    id: Mapped[str] = mapped_column(primary_key=True)


class ApiKeyRow(Rows):
    """An API key, by the SHA-256 of it."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("hash"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[int]
    hash: Mapped[bytes]


class ContainerRow(Rows):
    """A container. `owner` refers to no key's row: containers outlive the key that made them."""

    __tablename__ = "containers"
    __table_args__ = (
        Index("ix_containers_listed", "owner", "created_at", "id"),
        Index("ix_containers_named", "owner", "name", "created_at", "id"),
        Index("ix_containers_due", "status", "expires_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    name: Mapped[str]
    status: Mapped[str]
    created_at: Mapped[int]
    last_active_at: Mapped[int]
    memory_limit: Mapped[str]
    expires_after_minutes: Mapped[int]
    # Kept by the database itself: so the sweep is an index look-up, and this never disagrees with its parts.
    expires_at: Mapped[int] = mapped_column(Computed("last_active_at + expires_after_minutes * 60", persisted=True))


class ContainerFileRow(Rows):
    """A file in a container."""

    __tablename__ = "container_files"
    __table_args__ = (
        UniqueConstraint("container_id", "path"),
        Index("ix_container_files_listed", "container_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    container_id: Mapped[str] = mapped_column(ForeignKey("containers.id", ondelete="CASCADE"))
    path: Mapped[bytes]
    size: Mapped[int]
    created_at: Mapped[int]
    source: Mapped[str]
