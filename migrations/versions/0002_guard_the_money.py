"""Let the database itself refuse what must never happen to money rows.

Append-only tables refuse UPDATE, DELETE and TRUNCATE; the two deferred triggers of the ledger keep every entry at zero
(one per line, one per entry: together they close all four holes that either leaves open alone), and a bank
transaction without evidence cannot be committed (invariants I1, I2, I7, I11).
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "allocation",
    "audit_event",
    "bank_line",
    "bank_statement",
    "decision",
    "delivery_attempt",
    "evidence",
    "invoice",
    "invoice_line",
    "ledger_entry",
    "ledger_import",
    "ledger_line",
    "ledger_row",
    "login_attempt",
    "night_summary",
    "pupil_credit",
    "raw_callback",
    "reconcile_item",
    "reconcile_run",
    "roster_import",
)

FUNCTIONS = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: correct by a reversal and a new row', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE FUNCTION ledger_line_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    total NUMERIC;
    written_by BIGINT;
BEGIN
    SELECT transaction_xid INTO written_by FROM ledger_entry WHERE school_id = NEW.school_id AND id = NEW.entry_id;
    IF written_by IS DISTINCT FROM (pg_current_xact_id()::text)::bigint THEN
        RAISE EXCEPTION 'entry % of school % was written by another transaction', NEW.entry_id, NEW.school_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT sum(amount_vnd) INTO total FROM ledger_line WHERE school_id = NEW.school_id AND entry_id = NEW.entry_id;
    IF total <> 0 THEN
        RAISE EXCEPTION 'entry % of school % sums to %', NEW.entry_id, NEW.school_id, total
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION ledger_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    total NUMERIC;
BEGIN
    SELECT sum(amount_vnd) INTO total FROM ledger_line WHERE school_id = NEW.school_id AND entry_id = NEW.id;
    IF total IS DISTINCT FROM 0 THEN
        RAISE EXCEPTION 'entry % of school % has no lines or sums to %', NEW.id, NEW.school_id, total
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION bank_transaction_has_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM transaction_evidence WHERE school_id = NEW.school_id AND transaction_id = NEW.id
    ) THEN
        RAISE EXCEPTION 'bank transaction % of school % has no evidence', NEW.id, NEW.school_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION create_settlement_lease() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO settlement_lease (school_id) VALUES (NEW.id);
    RETURN NULL;
END $$;
"""

TRIGGERS = """
CREATE CONSTRAINT TRIGGER line_balances AFTER INSERT ON ledger_line
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_line_balances();
CREATE CONSTRAINT TRIGGER entry_balances AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_balances();
CREATE CONSTRAINT TRIGGER has_evidence AFTER INSERT ON bank_transaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION bank_transaction_has_evidence();
CREATE TRIGGER create_lease AFTER INSERT ON school FOR EACH ROW EXECUTE FUNCTION create_settlement_lease();
"""


def upgrade() -> None:
    op.execute(FUNCTIONS)
    op.execute(TRIGGERS)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER no_truncate ON {table}")
        op.execute(f"DROP TRIGGER append_only ON {table}")
    op.execute("DROP TRIGGER create_lease ON school")
    op.execute("DROP TRIGGER has_evidence ON bank_transaction")
    op.execute("DROP TRIGGER entry_balances ON ledger_entry")
    op.execute("DROP TRIGGER line_balances ON ledger_line")
    for function in (
        "bank_transaction_has_evidence",
        "create_settlement_lease",
        "ledger_entry_balances",
        "ledger_line_balances",
        "refuse_change",
    ):
        op.execute(f"DROP FUNCTION {function}()")
