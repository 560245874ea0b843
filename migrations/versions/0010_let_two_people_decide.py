"""Let the database hold two people to every account and round, whoever writes to it.

An account is used only after somebody approved it and at least a day after it was proposed; who proposed it and who
drafted a round cannot be rewritten afterwards (that would make room for approving one's own); an invoice of a round
that nobody approved is refused. One statement of issuing is checked once, not row by row.
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEEP_ACCOUNT = """
CREATE OR REPLACE FUNCTION keep_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.school_id, NEW.bin, NEW.number, NEW.holder_name) IS DISTINCT FROM
        (OLD.school_id, OLD.bin, OLD.number, OLD.holder_name)
        OR (OLD.usable_at IS NOT NULL AND (NEW.usable_at IS NULL OR NEW.usable_at < OLD.usable_at))
        {more}
    THEN
        RAISE EXCEPTION 'a receiving account is never changed: close it and add another one'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$
"""
TWO_PEOPLE = """
        OR (NEW.proposed_by, NEW.proposed_at) IS DISTINCT FROM (OLD.proposed_by, OLD.proposed_at)
        OR (OLD.approved_by IS NOT NULL AND NEW.approved_by IS DISTINCT FROM OLD.approved_by)
        OR (OLD.state = 'closed' AND NEW.state <> 'closed')
"""
KEEP_ROUND = """
CREATE FUNCTION keep_round() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.school_id, NEW.code, NEW.created_by, NEW.created_at) IS DISTINCT FROM
        (OLD.school_id, OLD.code, OLD.created_by, OLD.created_at)
        OR (NEW.state = 'draft' AND OLD.state <> 'draft')
    THEN
        RAISE EXCEPTION 'who drafted a round stays on record, and an approved round is no draft again'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$
"""
ROUND_IS_APPROVED = """
CREATE FUNCTION round_is_approved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT school_id, round_id FROM fresh) AS written
        JOIN collection_round AS round ON round.school_id = written.school_id AND round.id = written.round_id
        WHERE round.state = 'draft'
    ) THEN
        RAISE EXCEPTION 'a round is approved by a second person before it has invoices'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.drop_constraint(op.f("ck__receiving_account__usable"), "receiving_account")
    op.create_check_constraint(
        op.f("ck__receiving_account__approved"),
        "receiving_account",
        "state IN ('proposed', 'closed') OR (approved_by IS NOT NULL AND usable_at IS NOT NULL)",
    )
    op.create_check_constraint(
        op.f("ck__receiving_account__cooled"), "receiving_account", "usable_at >= proposed_at + interval '24 hours'"
    )
    op.execute(KEEP_ACCOUNT.format(more=TWO_PEOPLE))
    op.execute(KEEP_ROUND)
    op.execute("CREATE TRIGGER keep_round BEFORE UPDATE ON collection_round FOR EACH ROW EXECUTE FUNCTION keep_round()")
    op.execute(ROUND_IS_APPROVED)
    op.execute(
        "CREATE TRIGGER round_is_approved AFTER INSERT ON invoice REFERENCING NEW TABLE AS fresh"
        " FOR EACH STATEMENT EXECUTE FUNCTION round_is_approved()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER round_is_approved ON invoice")
    op.execute("DROP FUNCTION round_is_approved()")
    op.execute("DROP TRIGGER keep_round ON collection_round")
    op.execute("DROP FUNCTION keep_round()")
    op.execute(KEEP_ACCOUNT.format(more=""))
    op.drop_constraint(op.f("ck__receiving_account__cooled"), "receiving_account")
    op.drop_constraint(op.f("ck__receiving_account__approved"), "receiving_account")
    op.create_check_constraint(
        op.f("ck__receiving_account__usable"),
        "receiving_account",
        "state = 'proposed' OR state = 'closed' OR usable_at IS NOT NULL",
    )
