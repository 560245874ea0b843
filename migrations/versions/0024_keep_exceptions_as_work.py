"""Keep exceptions as work that people finish: the cases, their facts, and events that are only ever added.

The state of a case is the fold of its events, and the database folds. It refuses a state that is written otherwise,
events out of turn, a decision on a proposal by whoever made it, and an end by one person where money moves or is in
doubt.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

GUARDS = """
CREATE FUNCTION guard_exception() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an exception is never deleted' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'open' OR NEW.assignee_id IS NOT NULL OR NEW.last_event_id IS NOT NULL THEN
            RAISE EXCEPTION 'an exception begins open' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    -- Depth 2: the fold of its events, which is itself a trigger.
    IF pg_trigger_depth() < 2 AND
        (NEW.state, NEW.assignee_id, NEW.resolution, NEW.proposal_id, NEW.last_event_id, NEW.changed_at)
        IS DISTINCT FROM
        (OLD.state, OLD.assignee_id, OLD.resolution, OLD.proposal_id, OLD.last_event_id, OLD.changed_at)
    THEN
        RAISE EXCEPTION 'the state of an exception is the fold of its events: add an event'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (NEW.account_id, NEW.first_run_id, NEW.first_seen_at) IS DISTINCT FROM
        (OLD.account_id, OLD.first_run_id, OLD.first_seen_at)
    THEN
        RAISE EXCEPTION 'where and when an exception was first seen stays' USING
            ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION guard_exception_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    case_now reconcile_exception;
    fits BOOLEAN;
BEGIN
    SELECT * INTO case_now FROM reconcile_exception
    WHERE school_id = NEW.school_id AND id = NEW.exception_id FOR UPDATE;
    fits := CASE NEW.kind
        WHEN 'seen' THEN case_now.last_event_id IS NULL AND NEW.state = 'open'
        WHEN 'assigned' THEN case_now.state <> 'resolved'
            AND NEW.state = CASE WHEN case_now.state = 'proposed' THEN 'proposed'
                WHEN NEW.assignee_id IS NULL THEN 'open' ELSE 'assigned' END
        WHEN 'proposed' THEN case_now.state IN ('open', 'assigned') AND NEW.state = 'proposed'
        WHEN 'resolved' THEN case_now.state IN ('open', 'assigned') AND NEW.state = 'resolved'
        WHEN 'approved' THEN case_now.state = 'proposed' AND NEW.state = 'resolved'
            AND NEW.proposal_id = case_now.proposal_id
        WHEN 'rejected' THEN case_now.state = 'proposed' AND NEW.state IN ('open', 'assigned')
            AND NEW.proposal_id = case_now.proposal_id
        WHEN 'withdrawn' THEN case_now.state = 'proposed' AND NEW.state IN ('open', 'assigned')
            AND NEW.proposal_id = case_now.proposal_id
        WHEN 'reopened' THEN case_now.state = 'resolved' AND NEW.state IN ('open', 'assigned')
        WHEN 'matched_since' THEN NEW.state = 'resolved'
        WHEN 'merged' THEN NEW.state = 'resolved'
        ELSE NEW.state = case_now.state
    END;
    IF fits IS NOT TRUE THEN
        RAISE EXCEPTION 'exception %: "%" cannot follow state "%"', NEW.exception_id, NEW.kind, case_now.state
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.kind = 'resolved' AND (
        NEW.resolution IN ('accepted_difference', 'refund', 'reversed', 'written_off')
        OR case_now.primary_class IN ('balance_break', 'duplicate', 'amount_diff', 'missing_bank')
        OR case_now.flags && ARRAY['balance_break', 'duplicate', 'amount_diff', 'missing_bank']
    ) THEN
        RAISE EXCEPTION 'exception %: money moves or is in doubt, so one proposes and another one approves',
            NEW.exception_id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.kind IN ('matched_since', 'merged') AND NEW.run_id IS NULL
        OR NEW.kind = 'resolved' AND NEW.resolution IN ('matched_since', 'no_longer_found', 'merged')
    THEN
        RAISE EXCEPTION 'exception %: only a night says so', NEW.exception_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION fold_exception_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE reconcile_exception AS held SET
        state = told.state,
        assignee_id = told.assignee_id,
        resolution = CASE WHEN told.state IN ('proposed', 'resolved') THEN told.resolution END,
        proposal_id = CASE WHEN told.state <> 'proposed' THEN NULL
            WHEN told.kind = 'proposed' THEN told.id ELSE held.proposal_id END,
        last_event_id = told.id,
        changed_at = told.at
    FROM (
        SELECT DISTINCT ON (school_id, exception_id) * FROM fresh ORDER BY school_id, exception_id, id DESC
    ) AS told
    WHERE held.school_id = told.school_id AND held.id = told.exception_id;
    RETURN NULL;
END $$;

CREATE TRIGGER guard_exception BEFORE INSERT OR UPDATE OR DELETE ON reconcile_exception
    FOR EACH ROW EXECUTE FUNCTION guard_exception();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON reconcile_exception
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER guard_exception_event BEFORE INSERT ON exception_event
    FOR EACH ROW EXECUTE FUNCTION guard_exception_event();
CREATE TRIGGER fold_exception_events AFTER INSERT ON exception_event REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION fold_exception_events();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON exception_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON exception_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
FUNCTIONS = ("fold_exception_events", "guard_exception_event", "guard_exception")


def upgrade() -> None:
    op.create_table(
        "exception_sync",
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "run_id"],
            ["reconcile_run.school_id", "reconcile_run.id"],
            name=op.f("fk__exception_sync__school_id_run_id__reconcile_run"),
        ),
        sa.PrimaryKeyConstraint("school_id", "account_id", "day", name=op.f("pk__exception_sync")),
    )
    op.create_table(
        "reconcile_exception",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("primary_class", sa.Text(), nullable=False),
        sa.Column("flags", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("search_key", sa.Text(), nullable=False),
        sa.Column(
            "owner",
            sa.Enum(
                "accountant",
                "principal",
                "operator",
                name="owner",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_run_id", sa.BigInteger(), nullable=False),
        sa.Column("last_run_id", sa.BigInteger(), nullable=False),
        sa.Column("split_from_id", sa.BigInteger(), nullable=True),
        sa.Column("merged_into_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "assigned",
                "proposed",
                "resolved",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("assignee_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "resolution",
            sa.Enum(
                "matched_since",
                "no_longer_found",
                "merged",
                "booked",
                "corrected_in_books",
                "bank_confirmed",
                "accepted_difference",
                "cash",
                "refund",
                "reversed",
                "written_off",
                "other",
                name="resolution",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("proposal_id", sa.BigInteger(), nullable=True),
        sa.Column("last_event_id", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "(state = 'proposed') = (proposal_id IS NOT NULL)", name=op.f("ck__reconcile_exception__proposal")
        ),
        sa.CheckConstraint(
            "(state IN ('proposed', 'resolved')) = (resolution IS NOT NULL)",
            name=op.f("ck__reconcile_exception__how_it_ends"),
        ),
        sa.CheckConstraint(
            "state <> 'assigned' OR assignee_id IS NOT NULL", name=op.f("ck__reconcile_exception__assignee")
        ),
        sa.ForeignKeyConstraint(
            ["assignee_id"], ["app_user.id"], name=op.f("fk__reconcile_exception__assignee_id__app_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "account_id"],
            ["receiving_account.school_id", "receiving_account.id"],
            name="fk__reconcile_exception__account",
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "first_run_id"],
            ["reconcile_run.school_id", "reconcile_run.id"],
            name=op.f("fk__reconcile_exception__school_id_first_run_id__reconcile_run"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "item_id"],
            ["reconcile_item.school_id", "reconcile_item.id"],
            name=op.f("fk__reconcile_exception__school_id_item_id__reconcile_item"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "last_run_id"],
            ["reconcile_run.school_id", "reconcile_run.id"],
            name=op.f("fk__reconcile_exception__school_id_last_run_id__reconcile_run"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "merged_into_id"],
            ["reconcile_exception.school_id", "reconcile_exception.id"],
            name="fk__reconcile_exception__merged_into",
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "split_from_id"],
            ["reconcile_exception.school_id", "reconcile_exception.id"],
            name="fk__reconcile_exception__split_from",
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__reconcile_exception__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__reconcile_exception")),
    )
    op.create_index(
        "ix__reconcile_exception__live",
        "reconcile_exception",
        ["school_id", "due_on"],
        unique=False,
        postgresql_where=sa.text("state <> 'resolved'"),
    )
    op.create_index(
        op.f("ix__reconcile_exception__school_id_last_run_id"),
        "reconcile_exception",
        ["school_id", "last_run_id"],
        unique=False,
    )
    op.create_table(
        "exception_event",
        sa.Column("exception_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "seen",
                "changed",
                "assigned",
                "proposed",
                "approved",
                "rejected",
                "withdrawn",
                "resolved",
                "reopened",
                "noted",
                "matched_since",
                "merged",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "assigned",
                "proposed",
                "resolved",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("assignee_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "resolution",
            sa.Enum(
                "matched_since",
                "no_longer_found",
                "merged",
                "booked",
                "corrected_in_books",
                "bank_confirmed",
                "accepted_difference",
                "cash",
                "refund",
                "reversed",
                "written_off",
                "other",
                name="resolution",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("proposal_id", sa.BigInteger(), nullable=True),
        sa.Column("proposed_by", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "kind <> 'approved' OR actor_id <> proposed_by", name=op.f("ck__exception_event__two_people")
        ),
        sa.CheckConstraint("kind <> 'proposed' OR actor_id IS NOT NULL", name=op.f("ck__exception_event__proposer")),
        sa.CheckConstraint(
            "kind NOT IN ('approved', 'rejected') OR (actor_id IS NOT NULL AND proposal_id IS NOT NULL AND proposed_by IS NOT NULL AND resolution IS NOT NULL)",
            name=op.f("ck__exception_event__decides"),
        ),
        sa.CheckConstraint(
            "kind NOT IN ('assigned', 'proposed', 'resolved', 'noted') OR actor_id IS NOT NULL OR run_id IS NOT NULL",
            name=op.f("ck__exception_event__by_somebody"),
        ),
        sa.ForeignKeyConstraint(["actor_id"], ["app_user.id"], name=op.f("fk__exception_event__actor_id__app_user")),
        sa.ForeignKeyConstraint(
            ["assignee_id"], ["app_user.id"], name=op.f("fk__exception_event__assignee_id__app_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "exception_id", "proposal_id", "proposed_by", "resolution"],
            [
                "exception_event.school_id",
                "exception_event.exception_id",
                "exception_event.id",
                "exception_event.actor_id",
                "exception_event.resolution",
            ],
            name="fk__exception_event__proposal",
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "exception_id"],
            ["reconcile_exception.school_id", "reconcile_exception.id"],
            name="fk__exception_event__exception",
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "run_id"],
            ["reconcile_run.school_id", "reconcile_run.id"],
            name=op.f("fk__exception_event__school_id_run_id__reconcile_run"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__exception_event__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__exception_event")),
        sa.UniqueConstraint(
            "school_id", "exception_id", "id", "actor_id", "resolution", name="uq__exception_event__said"
        ),
    )
    op.create_index(
        op.f("ix__exception_event__school_id_exception_id_id"),
        "exception_event",
        ["school_id", "exception_id", "id"],
        unique=False,
    )
    op.create_index(
        "uq__exception_event__decided_once",
        "exception_event",
        ["school_id", "proposal_id"],
        unique=True,
        postgresql_where=sa.text("proposal_id IS NOT NULL"),
    )
    op.create_table(
        "exception_fact",
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("exception_id", sa.BigInteger(), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "exception_id"],
            ["reconcile_exception.school_id", "reconcile_exception.id"],
            name="fk__exception_fact__exception",
        ),
        sa.PrimaryKeyConstraint("school_id", "key", name=op.f("pk__exception_fact")),
    )
    op.create_index(
        op.f("ix__exception_fact__school_id_exception_id"),
        "exception_fact",
        ["school_id", "exception_id"],
        unique=False,
    )
    op.execute(GUARDS)


def downgrade() -> None:
    for table in ("exception_fact", "exception_event", "reconcile_exception", "exception_sync"):
        op.drop_table(table)
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}()")
