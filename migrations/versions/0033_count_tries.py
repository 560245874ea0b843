"""Count tries for all web machines together, under keyed hashes; find a pupil of whatever school by its identifier."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
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
    op.create_index(op.f("ix__pupil__sector_id"), "pupil", ["sector_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix__pupil__sector_id"), table_name="pupil")
    op.drop_table("throttle")
