"""What is left of containers that couldn't be made is no longer kept."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Remove the records."""
    op.execute("DELETE FROM containers WHERE status = 'failed'")


def downgrade() -> None:
    """There is nothing to be brought back."""
