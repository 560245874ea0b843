"""Closes as a signed chain, and a database that refuses writes into what was signed.

``books_closed`` is the head of each school's chain: every guard asks it and nothing else, by primary key.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

KEPT = ("close_run", "close_signature", "late_item")
"""Tables whose rows are only ever added."""

COLUMNS: tuple[tuple[str, sa.types.TypeEngine[object]], ...] = (
    ("sequence", sa.Integer()),
    ("kind", sa.String(40)),
    ("first", sa.Date()),
    ("proposed_by", sa.BigInteger()),
    ("approval_id", sa.BigInteger()),
    ("document", sa.LargeBinary()),
    ("sha256", sa.LargeBinary()),
    ("previous_sha256", sa.LargeBinary()),
    ("key_id", sa.BigInteger()),
    ("signature", sa.LargeBinary()),
)
FILLED = ("sequence", "kind", "first", "document", "sha256")

# Closes of earlier versions carry no signature; they take their places in the chain all the same.
OLD_CLOSES = """
ALTER TABLE period_close DISABLE TRIGGER append_only;
DO $$
DECLARE
    one RECORD;
    head RECORD;
    said BYTEA;
BEGIN
    FOR one IN SELECT * FROM period_close ORDER BY school_id, through LOOP
        SELECT * INTO head FROM books_closed WHERE school_id = one.school_id;
        said := convert_to(format('{"closed_at":"%s","closed_by":%s,"format":"hocphi-close/0","through":"%s"}',
            to_char(one.closed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), one.closed_by, one.through),
            'UTF8');
        UPDATE period_close SET sequence = coalesce(head.sequence, 0) + 1, kind = 'close',
            first = coalesce(head.through + 1, one.through), document = said, sha256 = sha256(said),
            previous_sha256 = head.sha256
        WHERE school_id = one.school_id AND id = one.id;
        INSERT INTO books_closed (school_id, sequence, sha256, through)
        VALUES (one.school_id, coalesce(head.sequence, 0) + 1, sha256(said), one.through)
        ON CONFLICT (school_id) DO UPDATE
            SET sequence = excluded.sequence, sha256 = excluded.sha256, through = excluded.through;
    END LOOP;
END $$;
ALTER TABLE period_close ENABLE TRIGGER append_only;
INSERT INTO close_run (school_id, close_id, run_id)
SELECT c.school_id, c.id, held.run_id
FROM period_close c
JOIN reconcile_run run ON run.school_id = c.school_id AND run.created_at <= c.closed_at
JOIN standing_run held ON held.school_id = run.school_id AND held.run_id = run.id;
"""

GUARDS = """
CREATE VIEW standing_close AS
    SELECT c.* FROM period_close c
    WHERE c.kind = 'close' AND NOT EXISTS (
        SELECT FROM period_close r WHERE r.school_id = c.school_id AND r.kind = 'reopen'
          AND r.sequence > c.sequence AND r.first <= c.through);

CREATE FUNCTION keep_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head RECORD;
    reached DATE;
BEGIN
    INSERT INTO books_closed (school_id, sequence) VALUES (NEW.school_id, 0) ON CONFLICT DO NOTHING;
    SELECT * INTO head FROM books_closed WHERE school_id = NEW.school_id FOR UPDATE;
    IF NEW.sequence <> head.sequence + 1 OR NEW.previous_sha256 IS DISTINCT FROM head.sha256
        OR NEW.sha256 <> sha256(NEW.document) OR NEW.signature IS NULL
    THEN
        RAISE EXCEPTION 'close % of school % does not continue the signed chain', NEW.sequence, NEW.school_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.kind = 'close' THEN
        IF NEW.first <> coalesce(head.through + 1, NEW.first) THEN
            RAISE EXCEPTION 'close % of school % leaves days out or signs them twice', NEW.sequence, NEW.school_id
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        reached := NEW.through;
    ELSE
        IF NEW.through IS DISTINCT FROM head.through OR NOT EXISTS (
            SELECT FROM standing_close c WHERE c.school_id = NEW.school_id AND c.first = NEW.first)
        OR NOT EXISTS (
            SELECT FROM approval a WHERE a.school_id = NEW.school_id AND a.id = NEW.approval_id
              AND a.state = 'approved' AND a.decided_by = NEW.closed_by AND a.proposed_by = NEW.proposed_by)
        THEN
            RAISE EXCEPTION 'event % of school % reopens nothing that two people agreed on', NEW.sequence, NEW.school_id
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        SELECT max(c.through) INTO reached FROM standing_close c
        WHERE c.school_id = NEW.school_id AND c.through < NEW.first;
    END IF;
    UPDATE books_closed SET sequence = NEW.sequence, sha256 = NEW.sha256, through = reached
    WHERE school_id = NEW.school_id;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_chain BEFORE INSERT ON period_close FOR EACH ROW EXECUTE FUNCTION keep_chain();

CREATE FUNCTION keep_books_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'what is closed is said by the signed chain alone'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER keep_books_closed BEFORE INSERT OR UPDATE OR DELETE ON books_closed
    FOR EACH ROW EXECUTE FUNCTION keep_books_closed();

CREATE FUNCTION refuse_closed_period() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    row JSONB := to_jsonb(coalesce(NEW, OLD));
BEGIN
    IF EXISTS (
        SELECT FROM books_closed c WHERE c.school_id = (row ->> 'school_id')::bigint
          AND c.through >= coalesce(row ->> 'from_day', row ->> 'day')::date)
    THEN
        RAISE EXCEPTION 'closed_period: % of school % on %', TG_TABLE_NAME, row ->> 'school_id', row ->> 'day'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER refuse_closed_period BEFORE INSERT ON reconcile_run
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_period();
CREATE TRIGGER refuse_closed_period BEFORE INSERT OR UPDATE OR DELETE ON standing_run
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_period();

CREATE FUNCTION refuse_closed_entries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    hit RECORD;
BEGIN
    SELECT f.school_id, f.booked_on INTO hit FROM fresh f
    JOIN books_closed c ON c.school_id = f.school_id AND f.booked_on <= c.through LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'closed_period: ledger_entry of school % on %', hit.school_id, hit.booked_on
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER refuse_closed_period AFTER INSERT ON ledger_entry REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed_entries();

CREATE FUNCTION refuse_signed_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM decision d
        JOIN bank_transaction t ON t.school_id = d.school_id AND t.id = d.transaction_id
        JOIN standing_close c ON c.school_id = d.school_id AND c.through >= t.value_date AND c.closed_at >= d.decided_at
        WHERE d.school_id = NEW.school_id AND d.id = NEW.undoes_id)
    THEN
        RAISE EXCEPTION 'closed_period: decision % of school % was signed', NEW.undoes_id, NEW.school_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_closed_period BEFORE INSERT ON decision FOR EACH ROW WHEN (NEW.undoes_id IS NOT NULL)
    EXECUTE FUNCTION refuse_signed_decision();

CREATE FUNCTION refuse_signed_payout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM bank_transaction t
        JOIN standing_close c ON c.school_id = t.school_id AND c.through >= t.value_date AND c.closed_at >= OLD.made_at
        WHERE t.school_id = OLD.school_id AND t.id = OLD.transaction_id)
    THEN
        RAISE EXCEPTION 'closed_period: payout % of school % was signed', OLD.id, OLD.school_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_closed_period BEFORE UPDATE ON payout FOR EACH ROW WHEN (NEW.dissolved_by IS NOT NULL)
    EXECUTE FUNCTION refuse_signed_payout();
"""

GUARDED = ("reconcile_run", "standing_run", "ledger_entry", "decision", "payout")
FUNCTIONS = (
    "keep_chain",
    "keep_books_closed",
    "refuse_closed_period",
    "refuse_closed_entries",
    "refuse_signed_decision",
    "refuse_signed_payout",
)


def upgrade() -> None:
    op.create_table(
        "books_closed",
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("through", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__books_closed__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", name=op.f("pk__books_closed")),
    )
    op.create_table(
        "close_key",
        sa.Column("private_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        *_school_columns(),
        _key("close_key", ["school_id"], "school", ["id"]),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__close_key")),
    )
    op.create_index(
        "uq__close_key__current",
        "close_key",
        ["school_id"],
        unique=True,
        postgresql_where=sa.text("retired_at IS NULL"),
    )
    _create_rows_of_closes()
    _extend_closes()
    op.execute(GUARDS)
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    for table in (*KEPT, "books_closed", "close_key"):
        op.execute(
            f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in GUARDED:
        op.execute(f"DROP TRIGGER refuse_closed_period ON {table}")
    op.execute("DROP TRIGGER keep_chain ON period_close")
    op.execute("DROP VIEW standing_close")
    for table in (*reversed(KEPT), "books_closed"):
        op.drop_table(table)
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}()")
    # A day that was signed again after a reopening keeps its last signature only.
    op.execute("ALTER TABLE period_close DISABLE TRIGGER append_only")
    op.execute("""
        DELETE FROM period_close c WHERE kind = 'reopen' OR EXISTS (
            SELECT FROM period_close n WHERE n.school_id = c.school_id AND n.sequence > c.sequence
              AND (n.kind = 'reopen' AND n.first <= c.through OR n.kind = 'close' AND n.through = c.through))
    """)
    op.execute("ALTER TABLE period_close ENABLE TRIGGER append_only")
    for column in (*(name for name, _ in COLUMNS), "transaction_xid"):
        op.drop_column("period_close", column)
    op.create_unique_constraint(op.f("uq__period_close__school_id_through"), "period_close", ["school_id", "through"])
    op.drop_table("close_key")


def _school_columns() -> tuple[sa.Column[int], sa.Column[int]]:
    return (
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
    )


def _key(table: str, columns: list[str], target: str, keys: list[str]) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk__{table}__{'_'.join(columns)}__{target}")
    return sa.ForeignKeyConstraint(columns, [f"{target}.{key}" for key in keys], name=name)


def _create_rows_of_closes() -> None:
    op.create_table(
        "close_run",
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("close_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        _key("close_run", ["school_id", "close_id"], "period_close", ["school_id", "id"]),
        _key("close_run", ["school_id", "run_id"], "reconcile_run", ["school_id", "id"]),
        sa.PrimaryKeyConstraint("school_id", "close_id", "run_id", name=op.f("pk__close_run")),
    )
    op.create_table(
        "close_signature",
        sa.Column("close_id", sa.BigInteger(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("added_by", sa.BigInteger(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        *_school_columns(),
        _key("close_signature", ["school_id", "close_id"], "period_close", ["school_id", "id"]),
        _key("close_signature", ["added_by"], "app_user", ["id"]),
        _key("close_signature", ["school_id"], "school", ["id"]),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__close_signature")),
        sa.UniqueConstraint("school_id", "close_id", "certificate", name="uq__close_signature__once"),
    )
    op.create_table(
        "late_item",
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("close_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        _key("late_item", ["school_id", "close_id"], "period_close", ["school_id", "id"]),
        _key("late_item", ["school_id", "run_id"], "reconcile_run", ["school_id", "id"]),
        sa.PrimaryKeyConstraint("school_id", "run_id", "position", name=op.f("pk__late_item")),
    )


def _extend_closes() -> None:
    op.drop_constraint(op.f("uq__period_close__school_id_through"), "period_close")
    for column, kind in COLUMNS:
        op.add_column("period_close", sa.Column(column, kind, nullable=True))
    xid = sa.text("(pg_current_xact_id()::text)::bigint")
    op.add_column("period_close", sa.Column("transaction_xid", sa.BigInteger(), server_default=xid, nullable=False))
    op.execute(OLD_CLOSES)
    for name in FILLED:
        op.alter_column("period_close", name, nullable=False)
    checks = {
        "linkkind": "kind IN ('close', 'reopen')",
        "days": "first <= through",
        "linked": "sequence >= 1 AND (sequence = 1) = (previous_sha256 IS NULL)",
        "signed": "(signature IS NULL) = (key_id IS NULL)",
        "two_people": "(kind = 'reopen') = (proposed_by IS NOT NULL) AND proposed_by IS DISTINCT FROM closed_by",
        "approved": "(kind = 'reopen') = (approval_id IS NOT NULL)",
    }
    for name, condition in checks.items():
        op.create_check_constraint(op.f(f"ck__period_close__{name}"), "period_close", condition)
    op.create_unique_constraint(op.f("uq__period_close__school_id_sequence"), "period_close", ["school_id", "sequence"])
    for columns, target, keys in (
        (["school_id", "key_id"], "close_key", ["school_id", "id"]),
        (["school_id", "approval_id"], "approval", ["school_id", "id"]),
        (["proposed_by"], "app_user", ["id"]),
    ):
        name = op.f(f"fk__period_close__{'_'.join(columns)}__{target}")
        op.create_foreign_key(name, "period_close", target, columns, keys)
