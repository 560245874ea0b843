"""Keep which run stands for a night, what a school's account codes mean, and until when its books are closed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

COLUMNS = (
    ("bank_statement", sa.Column("break_vnd", sa.BigInteger(), nullable=True)),
    ("ledger_import", sa.Column("account_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False)),
    ("reconcile_item", sa.Column("references", postgresql.ARRAY(sa.Text()), nullable=False)),
    ("reconcile_item", sa.Column("evidence_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False)),
    ("reconcile_run", sa.Column("from_day", sa.Date(), nullable=False)),
    ("reconcile_run", sa.Column("not_due", sa.Integer(), nullable=False)),
)
LINES = ["school_id", "account_id"]


def upgrade() -> None:
    op.create_table(
        "period_close",
        sa.Column("through", sa.Date(), nullable=False),
        sa.Column("closed_by", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["closed_by"], ["app_user.id"], name=op.f("fk__period_close__closed_by__app_user")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__period_close__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__period_close")),
        sa.UniqueConstraint("school_id", "through", name=op.f("uq__period_close__school_id_through")),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON period_close"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER no_truncate BEFORE TRUNCATE ON period_close FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.create_table(
        "book_account",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "account_id"],
            ["receiving_account.school_id", "receiving_account.id"],
            name=op.f("fk__book_account__school_id_account_id__receiving_account"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__book_account__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__book_account")),
        sa.UniqueConstraint("school_id", "code", name=op.f("uq__book_account__school_id_code")),
    )
    op.create_table(
        "standing_run",
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "run_id"],
            ["reconcile_run.school_id", "reconcile_run.id"],
            name=op.f("fk__standing_run__school_id_run_id__reconcile_run"),
        ),
        sa.PrimaryKeyConstraint("school_id", "account_id", "day", name=op.f("pk__standing_run")),
    )
    op.drop_index(op.f("ix__bank_line__school_id_account_id_value_date"), table_name="bank_line")
    op.create_index(op.f("ix__bank_line__school_id_account_id_booked_on"), "bank_line", [*LINES, "booked_on"])
    for table, column in COLUMNS:
        op.add_column(table, column)


def downgrade() -> None:
    for table, column in reversed(COLUMNS):
        op.drop_column(table, column.name)
    op.drop_index(op.f("ix__bank_line__school_id_account_id_booked_on"), table_name="bank_line")
    op.create_index(op.f("ix__bank_line__school_id_account_id_value_date"), "bank_line", [*LINES, "value_date"])
    op.drop_table("standing_run")
    op.drop_table("book_account")
    op.drop_table("period_close")
