"""Guards of what two people say: a question keeps its words, and an answer is good for its own question only.

An approval that was given for a bank account or a fee round opens no signed period, and a refund begins with the
proposal of the person whom it names. The class of an exception, on which the need of a second person hangs, is the
one that a night found, and a remark changes nothing about how it ends.
"""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

GUARDS = """
CREATE FUNCTION keep_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'proposed' AND (TG_OP = 'DELETE' OR
        (NEW.school_id, NEW.id, NEW.subject_kind, NEW.subject_id, NEW.payload, NEW.proposed_by, NEW.proposed_at)
        IS NOT DISTINCT FROM
        (OLD.school_id, OLD.id, OLD.subject_kind, OLD.subject_id, OLD.payload, OLD.proposed_by, OLD.proposed_at))
    THEN
        RETURN coalesce(NEW, OLD);
    END IF;
    RAISE EXCEPTION 'approval % of school % keeps its words, and is answered once', OLD.id, OLD.school_id
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER keep_approval BEFORE UPDATE OR DELETE ON approval FOR EACH ROW EXECUTE FUNCTION keep_approval();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON approval FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION keep_reopening() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM approval a
        JOIN standing_close c ON c.school_id = a.school_id AND c.id = a.subject_id
        WHERE a.school_id = NEW.school_id AND a.id = NEW.approval_id AND a.subject_kind = 'period_reopening'
          AND c.first = NEW.first)
    THEN
        RAISE EXCEPTION 'event % of school % reopens what two people did not talk about', NEW.sequence, NEW.school_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_reopening BEFORE INSERT ON period_close FOR EACH ROW WHEN (NEW.kind = 'reopen')
    EXECUTE FUNCTION keep_reopening();

CREATE FUNCTION begin_refund() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM decision d
        WHERE d.school_id = NEW.school_id AND d.id = NEW.decision_id AND d.kind = 'refund'
          AND d.transaction_id = NEW.transaction_id AND d.decided_by = NEW.proposed_by)
    THEN
        RAISE EXCEPTION 'a refund begins with the proposal of whoever it names'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER begin_refund BEFORE INSERT ON refund FOR EACH ROW EXECUTE FUNCTION begin_refund();

CREATE FUNCTION guard_exception_class() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM reconcile_item i
        WHERE i.school_id = NEW.school_id AND i.id = NEW.item_id
          AND (i.primary_class, i.flags, i.amount_vnd) = (NEW.primary_class, NEW.flags, NEW.amount_vnd))
    THEN
        RAISE EXCEPTION 'class and amount of an exception are those that a night found'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_exception_class BEFORE INSERT OR UPDATE OF primary_class, flags, amount_vnd, item_id
    ON reconcile_exception FOR EACH ROW EXECUTE FUNCTION guard_exception_class();

CREATE FUNCTION guard_exception_end() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before reconcile_exception;
    fits BOOLEAN;
BEGIN
    SELECT * INTO before FROM reconcile_exception WHERE school_id = NEW.school_id AND id = NEW.exception_id;
    fits := CASE
        WHEN NEW.kind = 'matched_since' THEN NEW.resolution IN ('matched_since', 'no_longer_found')
        WHEN NEW.kind = 'merged' THEN NEW.resolution = 'merged'
            OR (before.state = 'resolved' AND NEW.resolution = before.resolution)
        WHEN NEW.kind = 'proposed' THEN NEW.resolution NOT IN ('matched_since', 'no_longer_found', 'merged')
        WHEN NEW.kind IN ('changed', 'noted', 'assigned') AND NEW.state IN ('proposed', 'resolved')
            THEN NEW.resolution = before.resolution
        ELSE true
    END;
    IF fits IS NOT TRUE THEN
        RAISE EXCEPTION 'exception %: "%" does not say how it ends', NEW.exception_id, NEW.kind
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_exception_end BEFORE INSERT ON exception_event
    FOR EACH ROW EXECUTE FUNCTION guard_exception_end();
"""
TRIGGERS = {
    "guard_exception_end": "exception_event",
    "guard_exception_class": "reconcile_exception",
    "begin_refund": "refund",
    "keep_reopening": "period_close",
    "keep_approval": "approval",
}


def upgrade() -> None:
    op.execute(GUARDS)


def downgrade() -> None:
    op.execute("DROP TRIGGER no_truncate ON approval")
    for name, table in TRIGGERS.items():
        op.execute(f"DROP TRIGGER {name} ON {table}")
        op.execute(f"DROP FUNCTION {name}()")
