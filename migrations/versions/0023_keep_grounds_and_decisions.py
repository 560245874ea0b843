"""Keep why facts were joined with each item of a run, and what people decide about facts as events."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

TABLE = "reconcile_decision"


def upgrade() -> None:
    op.add_column(
        "reconcile_item",
        sa.Column(
            "grounds",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            server_default=sa.text("'[]'::jsonb"),
        ),
    )
    op.create_table(
        TABLE,
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "join",
                "part",
                "undo",
                name="reconciledecisionkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("undoes_id", sa.BigInteger(), nullable=True),
        sa.Column("facts", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "(kind = 'undo') = (undoes_id IS NOT NULL)", name=op.f("ck__reconcile_decision__undo_names_one")
        ),
        sa.CheckConstraint(
            "kind = 'undo' OR cardinality(facts) > 1", name=op.f("ck__reconcile_decision__at_least_two")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["app_user.id"], name=op.f("fk__reconcile_decision__decided_by__app_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "account_id"],
            ["receiving_account.school_id", "receiving_account.id"],
            name=op.f("fk__reconcile_decision__school_id_account_id__receiving_account"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "undoes_id"],
            ["reconcile_decision.school_id", "reconcile_decision.id"],
            name=op.f("fk__reconcile_decision__school_id_undoes_id__reconcile_decision"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__reconcile_decision__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__reconcile_decision")),
        sa.UniqueConstraint("school_id", "undoes_id", name=op.f("uq__reconcile_decision__school_id_undoes_id")),
    )
    op.create_index(op.f("ix__reconcile_decision__school_id_account_id"), TABLE, ["school_id", "account_id"])
    op.execute(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {TABLE} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table(TABLE)
    op.drop_column("reconcile_item", "grounds")
