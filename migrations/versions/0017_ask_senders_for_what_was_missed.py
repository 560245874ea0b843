"""How far each sender has been asked for what its callbacks missed, and when it may be asked next."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "poll_state",
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("covered_to", moment, nullable=True),
        sa.Column("window_since", moment, nullable=True),
        sa.Column("window_until", moment, nullable=True),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("unreadable", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("due_at", moment, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("attempted_at", moment, nullable=True),
        sa.Column("succeeded_at", moment, nullable=True),
        sa.Column("gap_since", moment, nullable=True),
        sa.Column("gap_seen_at", moment, nullable=True),
        sa.Column("gap_closed_at", moment, nullable=True),
        sa.Column("lease_token", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("leased_until", moment, nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "(window_since IS NULL) = (window_until IS NULL)", name=op.f("ck__poll_state__window_whole")
        ),
        sa.CheckConstraint("window_since IS NOT NULL OR cursor IS NULL", name=op.f("ck__poll_state__cursor_in_window")),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk__poll_state__connection_id__connection")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__poll_state")),
        sa.UniqueConstraint("connection_id", name=op.f("uq__poll_state__connection_id")),
    )
    op.create_index(op.f("ix__poll_state__due_at"), "poll_state", ["due_at"])
    op.create_table(
        "poll_budget",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("free_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk__poll_budget")),
    )
    op.create_index(
        "ix__evidence__polled", "evidence", ["connection_id", "received_at"], postgresql_where="source = 'poll'"
    )


def downgrade() -> None:
    op.drop_index("ix__evidence__polled", "evidence")
    op.drop_table("poll_budget")
    op.drop_table("poll_state")
