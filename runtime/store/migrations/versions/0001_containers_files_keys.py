"""Containers, their files, API keys, and the installation's own id."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the first tables, and the id that stays with this database for good."""
    installation = op.create_table(
        "installation",
        sa.Column("id", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_installation"),
    )
    op.bulk_insert(installation, [{"id": secrets.token_hex(8)}])

    op.create_table(
        "api_keys",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("hash", name="uq_api_keys_hash"),
    )

    op.create_table(
        "containers",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_active_at", sa.BigInteger, nullable=False),
        sa.Column("memory_limit", sa.String, nullable=False),
        sa.Column("expires_after_minutes", sa.BigInteger, nullable=False),
        sa.Column(
            "expires_at",
            sa.BigInteger,
            sa.Computed("last_active_at + expires_after_minutes * 60", persisted=True),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_containers"),
    )
    op.create_index("ix_containers_listed", "containers", ["owner", "created_at", "id"])
    op.create_index("ix_containers_named", "containers", ["owner", "name", "created_at", "id"])
    op.create_index("ix_containers_due", "containers", ["status", "expires_at"])

    op.create_table(
        "container_files",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("container_id", sa.String, nullable=False),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_container_files"),
        sa.ForeignKeyConstraint(
            ["container_id"], ["containers.id"], name="fk_container_files_container_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("container_id", "path", name="uq_container_files_container_id_path"),
    )
    op.create_index("ix_container_files_listed", "container_files", ["container_id", "created_at", "id"])


def downgrade() -> None:
    """Drop everything, children first."""
    op.drop_table("container_files")
    op.drop_table("containers")
    op.drop_table("api_keys")
    op.drop_table("installation")
