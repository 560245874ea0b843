"""Saved views of the queue, and whether single keys act at a person's desk."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "desk_preference",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("shortcuts", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk__desk_preference__user_id__app_user")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk__desk_preference")),
    )
    op.create_table(
        "saved_view",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("columns", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 60", name=op.f("ck__saved_view__name_length")),
        sa.CheckConstraint("length(query) <= 2000", name=op.f("ck__saved_view__query_length")),
        sa.ForeignKeyConstraint(["owner_id"], ["app_user.id"], name=op.f("fk__saved_view__owner_id__app_user")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__saved_view__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__saved_view")),
        sa.UniqueConstraint("school_id", "owner_id", "name", name=op.f("uq__saved_view__school_id_owner_id_name")),
    )
    op.create_index("ix__saved_view__shared", "saved_view", ["school_id"], postgresql_where=sa.text("shared"))


def downgrade() -> None:
    op.drop_table("saved_view")
    op.drop_table("desk_preference")
