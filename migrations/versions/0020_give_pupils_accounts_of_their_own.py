"""Virtual accounts: a number for each pupil, and the money that comes on it."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

OUTCOME = "ck__settlement__settlementoutcome"
FORMER = (
    "exact", "short", "over", "twice", "several", "replaced", "reversal", "damaged", "unknown", "lump", "wrong_fund",
    "assigned", "debit", "payout",
)  # fmt: skip

# Whose number it is never changes, and nobody else gets it: only the day of its revocation is written later.
KEEP = """
CREATE FUNCTION keep_virtual_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.school_id, NEW.id, NEW.pupil_id, NEW.receiving_account_id, NEW.number, NEW.assigned_at)
        = (OLD.school_id, OLD.id, OLD.pupil_id, OLD.receiving_account_id, OLD.number, OLD.assigned_at)
        AND OLD.revoked_at IS NULL
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a virtual account belongs to its pupil for ever'
        USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


def upgrade() -> None:
    op.create_table(
        "virtual_account",
        sa.Column("pupil_id", sa.BigInteger(), nullable=False),
        sa.Column("receiving_account_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("number ~ '^[0-9A-Z]{6,19}$'", name=op.f("ck__virtual_account__number_plain")),
        sa.ForeignKeyConstraint(
            ["school_id", "pupil_id"],
            ["pupil.school_id", "pupil.id"],
            name=op.f("fk__virtual_account__school_id_pupil_id__pupil"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "receiving_account_id"],
            ["receiving_account.school_id", "receiving_account.id"],
            name=op.f("fk__virtual_account__school_id_receiving_account_id__receiving_account"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__virtual_account__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__virtual_account")),
        sa.UniqueConstraint("number", name=op.f("uq__virtual_account__number")),
    )
    op.create_index(
        "uq__virtual_account__live",
        "virtual_account",
        ["school_id", "pupil_id", "receiving_account_id"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_index(op.f("ix__virtual_account__school_id_pupil_id"), "virtual_account", ["school_id", "pupil_id"])
    op.execute(KEEP)
    op.execute(
        "CREATE TRIGGER keeps_its_pupil BEFORE UPDATE OR DELETE ON virtual_account"
        " FOR EACH ROW EXECUTE FUNCTION keep_virtual_account()"
    )
    op.execute(
        "CREATE TRIGGER no_truncate BEFORE TRUNCATE ON virtual_account"
        " FOR EACH STATEMENT EXECUTE FUNCTION keep_virtual_account()"
    )
    op.add_column("bank_transaction", sa.Column("virtual_account_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk__bank_transaction__school_id_virtual_account_id__virtual_account"),
        "bank_transaction",
        "virtual_account",
        ["school_id", "virtual_account_id"],
        ["school_id", "id"],
    )
    op.create_index(
        "ix__bank_transaction__own_account",
        "bank_transaction",
        ["school_id", "virtual_account_id"],
        postgresql_where=sa.text("virtual_account_id IS NOT NULL"),
    )
    _allow_outcomes((*FORMER[:11], "other_pupil", *FORMER[11:]))


def downgrade() -> None:
    op.execute("UPDATE settlement SET outcome = 'unknown' WHERE outcome = 'other_pupil'")
    _allow_outcomes(FORMER)
    op.drop_index("ix__bank_transaction__own_account", table_name="bank_transaction")
    op.drop_constraint(op.f("fk__bank_transaction__school_id_virtual_account_id__virtual_account"), "bank_transaction")
    op.drop_column("bank_transaction", "virtual_account_id")
    op.drop_table("virtual_account")
    op.execute("DROP FUNCTION keep_virtual_account()")


def _allow_outcomes(outcomes: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{outcome}'" for outcome in outcomes)
    op.drop_constraint(op.f(OUTCOME), "settlement")
    op.create_check_constraint(op.f(OUTCOME), "settlement", f"outcome IN ({listed})")
