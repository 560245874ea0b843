"""Remember which invoices of a round were approved, so that nothing else is issued."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("collection_round", sa.Column("plan_sha256", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("collection_round", "plan_sha256")
