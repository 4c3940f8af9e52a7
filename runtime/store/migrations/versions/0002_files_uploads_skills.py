"""Blobs, and what is kept in them: files, uploads with their parts, skills with their versions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, parents first."""
    op.create_table(
        "blobs",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_blobs"),
    )
    op.create_index("ix_blobs_usage", "blobs", ["owner", "size"])
    _make_files()
    _make_uploads()
    _make_skills()


def downgrade() -> None:
    """Drop the tables, children first."""
    for table in ("skill_versions", "skills", "upload_parts", "uploads", "files", "blobs"):
        op.drop_table(table)


def _make_files() -> None:
    op.create_table(
        "files",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("filename", sa.String, nullable=False),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("blob_id", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_files"),
        sa.UniqueConstraint("blob_id", name="uq_files_blob_id"),
        sa.ForeignKeyConstraint(["blob_id"], ["blobs.id"], name="fk_files_blob_id", ondelete="CASCADE"),
    )
    op.create_index("ix_files_listed", "files", ["owner", "created_at", "id"])
    op.create_index("ix_files_of_purpose", "files", ["owner", "purpose", "created_at", "id"])
    op.create_index("ix_files_due", "files", ["expires_at"])


def _make_uploads() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("filename", sa.String, nullable=False),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("mime_type", sa.String, nullable=False),
        sa.Column("expires_after_seconds", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("file_id", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
        sa.UniqueConstraint("file_id", name="uq_uploads_file_id"),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name="fk_uploads_file_id", ondelete="SET NULL"),
    )
    op.create_index("ix_uploads_due", "uploads", ["status", "expires_at"])

    op.create_table(
        "upload_parts",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("upload_id", sa.String, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("blob_id", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_upload_parts"),
        sa.UniqueConstraint("blob_id", name="uq_upload_parts_blob_id"),
        sa.ForeignKeyConstraint(["upload_id"], ["uploads.id"], name="fk_upload_parts_upload_id"),
        sa.ForeignKeyConstraint(["blob_id"], ["blobs.id"], name="fk_upload_parts_blob_id", ondelete="CASCADE"),
    )
    op.create_index("ix_upload_parts_listed", "upload_parts", ["upload_id", "created_at", "id"])


def _make_skills() -> None:
    op.create_table(
        "skills",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("default_version", sa.BigInteger, nullable=False),
        sa.Column("last_version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_skills"),
    )
    op.create_index("ix_skills_listed", "skills", ["owner", "created_at", "id"])

    op.create_table(
        "skill_versions",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("skill_id", sa.String, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("description", sa.String, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("blob_id", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_skill_versions"),
        sa.UniqueConstraint("blob_id", name="uq_skill_versions_blob_id"),
        sa.UniqueConstraint("skill_id", "version", name="uq_skill_versions_skill_id_version"),
        sa.ForeignKeyConstraint(["skill_id"], ["skills.id"], name="fk_skill_versions_skill_id"),
        sa.ForeignKeyConstraint(["blob_id"], ["blobs.id"], name="fk_skill_versions_blob_id", ondelete="CASCADE"),
    )
