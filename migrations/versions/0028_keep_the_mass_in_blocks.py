"""Name every fact by the number of its payment reference, and keep what plainly agrees in blocks of arrays.

The number is computed by the database from the stored references, so it can never say anything else than they do. It
holds the ten characters after ``HP`` five bits each: equal numbers are equal references, and their order is one.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

REFERENCE_KEY = """
CREATE FUNCTION reference_key(names text[]) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT RETURN
CASE WHEN cardinality(names) = 1 AND names[1] ~ '^HP[0-9A-HJKMNP-TV-Z]{10}$' THEN {digits} END
"""
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
DIGIT = "((strpos('{alphabet}', substr(names[1], {place}, 1)) - 1)::bigint << {shift})"

NAMED = ("evidence", "bank_line", "ledger_row")
ARRAYS = ("keys", "bank_line_ids", "transaction_ids", "evidence_ids", "ledger_row_ids", "amounts")


def upgrade() -> None:
    digits = " | ".join(DIGIT.format(alphabet=ALPHABET, place=3 + n, shift=5 * (9 - n)) for n in range(10))
    op.execute(REFERENCE_KEY.replace("{digits}", digits))
    for table in NAMED:
        op.add_column(
            table,
            sa.Column("reference_key", sa.BigInteger(), sa.Computed('reference_key("references")', persisted=True)),
        )
    op.create_index(
        "ix__evidence__reference_key",
        "evidence",
        ["school_id", "reference_key"],
        postgresql_where=sa.text("reference_key IS NOT NULL AND source <> 'statement'"),
    )
    for table in ("bank_line", "ledger_row"):
        op.create_index(
            f"ix__{table}__reference_key",
            table,
            ["school_id", "reference_key"],
            postgresql_where=sa.text("reference_key IS NOT NULL"),
        )
    op.create_index(
        "ix__ledger_row__document",
        "ledger_row",
        ["school_id", "bank_reference"],
        postgresql_where=sa.text("bank_reference IS NOT NULL"),
    )
    op.create_index("ix__ledger_row__booked_on", "ledger_row", ["school_id", "booked_on"])
    op.create_index(
        "ix__bank_transaction__reverses_id",
        "bank_transaction",
        ["school_id", "reverses_id"],
        postgresql_where=sa.text("reverses_id IS NOT NULL"),
    )
    op.create_index(
        "ix__evidence__conflicting",
        "evidence",
        ["school_id", "account_id"],
        postgresql_where=sa.text("conflicting"),
    )
    op.create_table(
        "reconcile_block",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("days", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("rules", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        *(sa.Column(name, postgresql.ARRAY(sa.BigInteger()), nullable=False) for name in ARRAYS),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "run_id"],
            ["reconcile_run.school_id", "reconcile_run.id"],
            name=op.f("fk__reconcile_block__school_id_run_id__reconcile_run"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__reconcile_block__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__reconcile_block")),
        sa.UniqueConstraint("school_id", "run_id", "number", name=op.f("uq__reconcile_block__school_id_run_id_number")),
    )
    for name in ARRAYS:
        # Ids hardly compress, and the time would be the night's.
        op.execute(f"ALTER TABLE reconcile_block ALTER {name} SET STORAGE EXTERNAL")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON reconcile_block"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER no_truncate BEFORE TRUNCATE ON reconcile_block"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("reconcile_block")
    op.drop_index("ix__evidence__conflicting", table_name="evidence")
    op.drop_index("ix__bank_transaction__reverses_id", table_name="bank_transaction")
    op.drop_index("ix__ledger_row__booked_on", table_name="ledger_row")
    op.drop_index("ix__ledger_row__document", table_name="ledger_row")
    for table in ("ledger_row", "bank_line", "evidence"):
        op.drop_index(f"ix__{table}__reference_key", table_name=table)
        op.drop_column(table, "reference_key")
    op.execute("DROP FUNCTION reference_key(text[])")
