"""What a person may decide about a transfer: split it, exclude it, send it back, write a note; all undone exactly.

A refund needs two people by constraint, and its bank debit can confirm one refund only.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

ENUMS = (
    (
        "bank_transaction",
        "state",
        "transactionstate",
        ("new", "credited", "unmatched", "reversed", "debit", "payout"),
        ("excluded", "refund"),
    ),
    (
        "settlement",
        "outcome",
        "settlementoutcome",
        (
            *("exact", "short", "over", "twice", "several", "replaced", "reversal", "damaged", "unknown", "lump"),
            *("wrong_fund", "other_pupil", "assigned", "debit", "payout"),
        ),
        ("excluded", "refund"),
    ),
    (
        "ledger_account",
        "role",
        "ledgerrole",
        ("bank", "receivable", "income", "credit", "suspense", "clearing", "fee"),
        ("excluded", "refund"),
    ),
    (
        "chart_mapping",
        "role",
        "ledgerrole",
        ("bank", "receivable", "income", "credit", "suspense", "clearing", "fee"),
        ("excluded", "refund"),
    ),
    (
        "ledger_entry",
        "kind",
        "entrykind",
        ("issue", "settlement", "assignment", "reversal", "cancellation", "payout"),
        ("exclusion", "refund"),
    ),
    (
        "decision",
        "kind",
        "decisionkind",
        ("assign", "undo"),
        ("split", "exclude", "refund", "refund_approved", "refund_rejected", "refund_confirmed", "note"),
    ),
)
"""Table, column, name, the values before, and those that are added."""

REASONS = ("bank_interest", "internal_transfer", "other_income", "state_budget", "returned_payment", "mistaken")
STATES = ("proposed", "approved", "confirmed", "rejected", "withdrawn", "taken_back")
CHECKS = {
    "credit_for_each": "cardinality(pupil_ids) = cardinality(credits_vnd)",
    "answers": "(kind LIKE 'refund\\__%') = (answers_id IS NOT NULL)",
    "undoes": "(kind = 'undo') = (undoes_id IS NOT NULL)",
    "reason": "(kind = 'exclude') = (reason IS NOT NULL)",
    "words": "kind <> 'note' OR note IS NOT NULL",
}

# Decisions are append-only; what an assignment found before it was kept with the settlement until now.
FORMER = """
ALTER TABLE decision DISABLE TRIGGER append_only;
UPDATE decision d SET former_outcome = s.flags[1], former_flags = '{}'
FROM settlement s
WHERE s.school_id = d.school_id AND s.transaction_id = d.transaction_id AND d.kind = 'assign'
  AND s.outcome = 'assigned' AND cardinality(s.flags) > 0
  AND NOT EXISTS (SELECT FROM decision u WHERE u.school_id = d.school_id AND u.undoes_id = d.id);
ALTER TABLE decision ENABLE TRIGGER append_only;
"""

KEEP_REFUND = """
CREATE FUNCTION keep_refund() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state = 'proposed' AND NEW.decided_by IS NULL THEN
            RETURN NEW;
        END IF;
    ELSIF TG_OP = 'UPDATE' AND
        (NEW.school_id, NEW.id, NEW.decision_id, NEW.transaction_id, NEW.pupil_id, NEW.amount_vnd, NEW.proposed_by)
        IS NOT DISTINCT FROM
        (OLD.school_id, OLD.id, OLD.decision_id, OLD.transaction_id, OLD.pupil_id, OLD.amount_vnd, OLD.proposed_by)
        AND (OLD.decided_by IS NULL OR NEW.decided_by = OLD.decided_by)
        AND (
            OLD.state = 'proposed' AND NEW.state IN ('approved', 'rejected', 'withdrawn', 'taken_back')
            OR OLD.state = 'approved' AND NEW.state IN ('confirmed', 'withdrawn', 'taken_back')
            OR OLD.state = 'confirmed' AND NEW.state = 'approved'
        )
        AND (NEW.state <> 'approved' OR OLD.state = 'confirmed' OR EXISTS (
            SELECT FROM approval a WHERE a.school_id = NEW.school_id AND a.subject_kind = 'refund'
              AND a.subject_id = NEW.decision_id AND a.state = 'approved' AND a.proposed_by = NEW.proposed_by AND a.decided_by = NEW.decided_by))
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a refund is proposed, approved by a second person and confirmed by the bank, in this order'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER keep_refund BEFORE INSERT OR UPDATE OR DELETE ON refund FOR EACH ROW EXECUTE FUNCTION keep_refund();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON refund FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    for table, column, name, before, added in ENUMS:
        _allow(table, column, name, (*before, *added))
    for column in ("pupil_ids", "credits_vnd"):
        op.add_column(
            "decision", sa.Column(column, postgresql.ARRAY(sa.BigInteger()), server_default="{}", nullable=False)
        )
    op.add_column("decision", sa.Column("reason", _enum("excludereason", REASONS), nullable=True))
    op.add_column("decision", sa.Column("former_outcome", sa.Text(), nullable=True))
    op.add_column("decision", sa.Column("former_flags", postgresql.ARRAY(sa.Text()), nullable=True))
    op.add_column("decision", sa.Column("answers_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk__decision__school_id_answers_id__decision"),
        "decision",
        "decision",
        ["school_id", "answers_id"],
        ["school_id", "id"],
    )
    op.execute(FORMER)
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(f"ck__decision__{name}"), "decision", condition)
    _create_refund()
    op.execute(KEEP_REFUND)


def downgrade() -> None:
    op.drop_table("refund")
    op.execute("DROP FUNCTION keep_refund()")
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck__decision__{name}"), "decision")
    for column in ("answers_id", "former_flags", "former_outcome", "reason", "credits_vnd", "pupil_ids"):
        op.drop_column("decision", column)
    for table, column, name, before, _ in ENUMS:
        _allow(table, column, name, before)


def _allow(table: str, column: str, name: str, values: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{value}'" for value in values)
    op.drop_constraint(op.f(f"ck__{table}__{name}"), table)
    op.create_check_constraint(op.f(f"ck__{table}__{name}"), table, f"{column} IN ({listed})")


def _enum(name: str, values: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def _key(columns: list[str], target: str, keys: list[str]) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk__refund__{'_'.join(columns)}__{target}")
    return sa.ForeignKeyConstraint(columns, [f"{target}.{key}" for key in keys], name=name)


def _create_refund() -> None:
    op.create_table(
        "refund",
        sa.Column("decision_id", sa.BigInteger(), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("pupil_id", sa.BigInteger(), nullable=True),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("state", _enum("refundstate", STATES), nullable=False),
        sa.Column("proposed_by", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("debit_id", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("amount_vnd > 0", name=op.f("ck__refund__amount_positive")),
        sa.CheckConstraint("decided_by <> proposed_by", name=op.f("ck__refund__two_people")),
        sa.CheckConstraint(
            "state NOT IN ('approved', 'confirmed') OR decided_by IS NOT NULL", name=op.f("ck__refund__decided")
        ),
        sa.CheckConstraint(
            "(state = 'confirmed') = (debit_id IS NOT NULL)", name=op.f("ck__refund__confirmed_by_the_bank")
        ),
        _key(["school_id", "decision_id"], "decision", ["school_id", "id"]),
        _key(["school_id", "transaction_id"], "bank_transaction", ["school_id", "id"]),
        _key(["school_id", "pupil_id"], "pupil", ["school_id", "id"]),
        _key(["school_id", "debit_id"], "bank_transaction", ["school_id", "id"]),
        _key(["proposed_by"], "app_user", ["id"]),
        _key(["decided_by"], "app_user", ["id"]),
        _key(["school_id"], "school", ["id"]),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__refund")),
        sa.UniqueConstraint("school_id", "decision_id", name=op.f("uq__refund__school_id_decision_id")),
    )
    op.create_index(
        "uq__refund__live",
        "refund",
        ["school_id", "transaction_id", "pupil_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("state IN ('proposed', 'approved', 'confirmed')"),
    )
    op.create_index(
        "uq__refund__debit",
        "refund",
        ["school_id", "debit_id"],
        unique=True,
        postgresql_where=sa.text("debit_id IS NOT NULL"),
    )
