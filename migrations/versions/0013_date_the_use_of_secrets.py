"""When each secret was last used, and secrets that wait for the bank to learn their public part."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("connection_secret", sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "connection_secret", sa.Column("prepared", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
    op.alter_column("connection_secret", "prepared", server_default=None)


def downgrade() -> None:
    op.drop_column("connection_secret", "prepared")
    op.drop_column("connection_secret", "last_used_at")
