"""What containers may reach. Those of before have no network, and so no row."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "container_networks",
        sa.Column("container_id", sa.String, nullable=False),
        sa.Column("allowed_domains", sa.JSON, nullable=False),
        sa.Column("secrets", sa.JSON, nullable=False),
        sa.Column("sealed_secrets", sa.LargeBinary),
        sa.PrimaryKeyConstraint("container_id", name="pk_container_networks"),
        sa.ForeignKeyConstraint(
            ["container_id"], ["containers.id"], name="fk_container_networks_container_id", ondelete="CASCADE"
        ),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("container_networks")
