"""Keep what payers and schools said as they said it: claims, versions of texts, tries to hand a notice over.

A claim's number and amount are the two facts that a guess would need; whoever could change them after the answer would
need one. A claim is closed once, and by whoever closed it.
"""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

APPEND_ONLY = ("notice_template", "notice_attempt")
KEEP_CLAIM = """
CREATE FUNCTION keep_claim() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.closed_at IS NULL AND
        (NEW.school_id, NEW.id, NEW.pupil_id, NEW.invoice_id, NEW.bank_reference, NEW.amount_vnd, NEW.paid_on,
         NEW.claimed_at)
        IS NOT DISTINCT FROM
        (OLD.school_id, OLD.id, OLD.pupil_id, OLD.invoice_id, OLD.bank_reference, OLD.amount_vnd, OLD.paid_on,
         OLD.claimed_at)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'claim % of school % keeps its words, and is closed once', OLD.id, OLD.school_id
        USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


def upgrade() -> None:
    op.execute(KEEP_CLAIM)
    op.execute(
        "CREATE TRIGGER keep_claim BEFORE UPDATE OR DELETE ON payer_claim FOR EACH ROW EXECUTE FUNCTION keep_claim()"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    for table in ("payer_claim", *APPEND_ONLY):
        op.execute(
            f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in ("payer_claim", *APPEND_ONLY):
        op.execute(f"DROP TRIGGER no_truncate ON {table}")
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER append_only ON {table}")
    op.execute("DROP TRIGGER keep_claim ON payer_claim")
    op.execute("DROP FUNCTION keep_claim()")
