"""The tables. `migrations/` makes them; a test holds that the two agree.

They are declared as classes so that mypy knows each column's type, and used through Core alone, on
connections: no record is ever changed in memory and written back, so a session with its identity map would
only cost time. Enums are plain strings, times are whole seconds, and paths are bytes, as they are on Linux.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
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
    """A container. `owner` refers to no key's row: containers outlive the key that made them, for some seconds."""

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


class ContainerNetworkRow(Rows):
    """What a container may reach; one without a network has no row.

    Apart from the container's own row, which is written anew at every use and would take all of this along. A secret
    is its domain and its name; their values are sealed, all together, and only here while the container lives.
    """

    __tablename__ = "container_networks"

    container_id: Mapped[str] = mapped_column(ForeignKey("containers.id", ondelete="CASCADE"), primary_key=True)
    allowed_domains: Mapped[list[str]] = mapped_column(JSON)
    secrets: Mapped[list[tuple[str, str]]] = mapped_column(JSON)
    sealed_secrets: Mapped[bytes | None]


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


class BlobRow(Rows):
    """Bytes in the blob storage, and on whose account.

    What has a blob refers to it by `blob_id`, is alone in that, and goes when this row goes.
    """

    __tablename__ = "blobs"
    # Has all that adding up an owner's blobs needs.
    __table_args__ = (Index("ix_blobs_usage", "owner", "size"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    size: Mapped[int]


class FileRow(Rows):
    """A file of `/v1/files`."""

    __tablename__ = "files"
    __table_args__ = (
        UniqueConstraint("blob_id"),
        Index("ix_files_listed", "owner", "created_at", "id"),
        Index("ix_files_of_purpose", "owner", "purpose", "created_at", "id"),
        Index("ix_files_due", "expires_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    filename: Mapped[str]
    purpose: Mapped[str]
    created_at: Mapped[int]
    expires_at: Mapped[int | None]
    blob_id: Mapped[str] = mapped_column(ForeignKey("blobs.id", ondelete="CASCADE"))


class UploadRow(Rows):
    """An upload: `filename` to `expires_after_seconds` are the announced file's, `file_id` is what became of it."""

    __tablename__ = "uploads"
    __table_args__ = (UniqueConstraint("file_id"), Index("ix_uploads_due", "status", "expires_at"))

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    filename: Mapped[str]
    purpose: Mapped[str]
    size: Mapped[int]
    mime_type: Mapped[str]
    expires_after_seconds: Mapped[int | None]
    created_at: Mapped[int]
    expires_at: Mapped[int]
    status: Mapped[str]
    file_id: Mapped[str | None] = mapped_column(ForeignKey("files.id", ondelete="SET NULL"))


class UploadPartRow(Rows):
    """A part of an upload."""

    __tablename__ = "upload_parts"
    __table_args__ = (
        UniqueConstraint("blob_id"),
        Index("ix_upload_parts_listed", "upload_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    upload_id: Mapped[str] = mapped_column(ForeignKey("uploads.id"))
    created_at: Mapped[int]
    blob_id: Mapped[str] = mapped_column(ForeignKey("blobs.id", ondelete="CASCADE"))


class SkillRow(Rows):
    """A skill. `last_version` is the last number given, also if that version is gone: none is given twice."""

    __tablename__ = "skills"
    __table_args__ = (Index("ix_skills_listed", "owner", "created_at", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    created_at: Mapped[int]
    default_version: Mapped[int]
    last_version: Mapped[int]


class SkillVersionRow(Rows):
    """A version of a skill."""

    __tablename__ = "skill_versions"
    __table_args__ = (UniqueConstraint("blob_id"), UniqueConstraint("skill_id", "version"))

    id: Mapped[str] = mapped_column(primary_key=True)
    skill_id: Mapped[str] = mapped_column(ForeignKey("skills.id"))
    version: Mapped[int]
    name: Mapped[str]
    description: Mapped[str]
    created_at: Mapped[int]
    blob_id: Mapped[str] = mapped_column(ForeignKey("blobs.id", ondelete="CASCADE"))
