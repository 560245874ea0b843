"""Count tries for all web machines together: buckets under keyed hashes, no address and no code in plain."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "throttle",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("empty_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk__throttle")),
    )
    op.create_index(op.f("ix__throttle__empty_at"), "throttle", ["empty_at"])


def downgrade() -> None:
    op.drop_table("throttle")
