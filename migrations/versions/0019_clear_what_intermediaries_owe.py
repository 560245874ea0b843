"""Money that an intermediary owes until its net line clears it: connections, payouts and settlement reports."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ENUMS = (
    (
        "bank_transaction",
        "state",
        "transactionstate",
        ("new", "credited", "unmatched", "reversed", "debit"),
        ("payout",),
    ),
    (
        "settlement",
        "outcome",
        "settlementoutcome",
        (
            *("exact", "short", "over", "twice", "several", "replaced", "reversal"),
            *("damaged", "unknown", "lump", "wrong_fund", "assigned", "debit"),
        ),
        ("payout",),
    ),
    (
        "ledger_account",
        "role",
        "ledgerrole",
        ("bank", "receivable", "income", "credit", "suspense"),
        ("clearing", "fee"),
    ),
    (
        "chart_mapping",
        "role",
        "ledgerrole",
        ("bank", "receivable", "income", "credit", "suspense"),
        ("clearing", "fee"),
    ),
    (
        "ledger_entry",
        "kind",
        "entrykind",
        ("issue", "settlement", "assignment", "reversal", "cancellation"),
        ("payout",),
    ),
)
"""Table, column, name, the values before, and those that are added."""

CLEARING = "ix__bank_transaction__school_id_clearing_id_account_id_value_date"
REPORTS = ("payout_report", "payout_report_row")

GUARDS = """
CREATE FUNCTION keep_settling() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.settles IS DISTINCT FROM OLD.settles AND EXISTS (SELECT FROM evidence WHERE connection_id = OLD.id) THEN
        RAISE EXCEPTION 'connection % has reported money: how it settles is settled', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_settling BEFORE UPDATE ON connection FOR EACH ROW EXECUTE FUNCTION keep_settling();

CREATE FUNCTION keep_payout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.dissolved_at IS NOT NULL OR NEW.dissolved_at IS NULL OR
        (to_jsonb(NEW) - 'dissolved_at' - 'dissolved_by') <> (to_jsonb(OLD) - 'dissolved_at' - 'dissolved_by')
    THEN
        RAISE EXCEPTION 'a payout is dissolved once and never changed' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_payout BEFORE UPDATE OR DELETE ON payout FOR EACH ROW EXECUTE FUNCTION keep_payout();

CREATE FUNCTION keep_payout_item() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NOT OLD.live OR NEW.live OR (to_jsonb(NEW) - 'live') <> (to_jsonb(OLD) - 'live') THEN
        RAISE EXCEPTION 'an item of a payout ends with it and is never changed'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_payout_item BEFORE UPDATE OR DELETE ON payout_item
    FOR EACH ROW EXECUTE FUNCTION keep_payout_item();
"""


def upgrade() -> None:
    for table, column, name, before, added in ENUMS:
        _allow(table, column, name, (*before, *added))
    op.add_column("connection", sa.Column("settles", sa.String(40), server_default="direct", nullable=False))
    op.add_column("connection", sa.Column("payout_days", sa.Integer(), nullable=True))
    op.create_check_constraint(op.f("ck__connection__settles"), "connection", "settles IN ('direct', 'batch')")
    op.create_check_constraint(
        op.f("ck__connection__days_of_a_batch"), "connection", "(settles = 'batch') = (payout_days IS NOT NULL)"
    )
    op.create_check_constraint(op.f("ck__connection__payout_days"), "connection", "payout_days BETWEEN 1 AND 10")
    op.add_column("bank_transaction", sa.Column("clearing_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk__bank_transaction__clearing_id__connection"), "bank_transaction", "connection", ["clearing_id"], ["id"]
    )
    op.create_index(
        op.f(CLEARING),
        "bank_transaction",
        ["school_id", "clearing_id", "account_id", "value_date"],
        postgresql_where=sa.text("clearing_id IS NOT NULL"),
    )
    _create_payouts()
    _create_reports()
    op.execute(GUARDS)
    op.execute(
        "CREATE TRIGGER no_truncate BEFORE TRUNCATE ON payout FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER no_truncate BEFORE TRUNCATE ON payout_item FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    for table in REPORTS:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in (*reversed(REPORTS), "payout_item", "payout"):
        op.drop_table(table)
    op.execute("DROP TRIGGER keep_settling ON connection")
    for function in ("keep_settling", "keep_payout", "keep_payout_item"):
        op.execute(f"DROP FUNCTION {function}()")
    op.drop_index(op.f(CLEARING), table_name="bank_transaction")
    op.drop_constraint(op.f("fk__bank_transaction__clearing_id__connection"), "bank_transaction")
    op.drop_column("bank_transaction", "clearing_id")
    op.drop_column("connection", "payout_days")
    op.drop_column("connection", "settles")
    for table, column, name, before, _ in ENUMS:
        _allow(table, column, name, before)


def _allow(table: str, column: str, name: str, values: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{value}'" for value in values)
    op.drop_constraint(op.f(f"ck__{table}__{name}"), table)
    op.create_check_constraint(op.f(f"ck__{table}__{name}"), table, f"{column} IN ({listed})")


def _school_columns() -> tuple[sa.Column[int], sa.Column[int]]:
    return (
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
    )


def _key(table: str, columns: list[str], target: str, keys: list[str]) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk__{table}__{'_'.join(columns)}__{target}")
    return sa.ForeignKeyConstraint(columns, [f"{target}.{key}" for key in keys], name=name)


def _create_payouts() -> None:
    op.create_table(
        "payout",
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("gross_vnd", sa.BigInteger(), nullable=False),
        sa.Column("fee_vnd", sa.BigInteger(), nullable=False),
        sa.Column("rule", sa.String(40), nullable=False),
        sa.Column("former_outcome", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dissolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dissolved_by", sa.BigInteger(), nullable=True),
        *_school_columns(),
        sa.CheckConstraint("rule IN ('person', 'report', 'named', 'due', 'run')", name=op.f("ck__payout__payoutrule")),
        sa.CheckConstraint("fee_vnd >= 0 AND gross_vnd > fee_vnd", name=op.f("ck__payout__fee_of_gross")),
        sa.CheckConstraint("(rule = 'person') = (decided_by IS NOT NULL)", name=op.f("ck__payout__decided")),
        _key("payout", ["school_id", "transaction_id"], "bank_transaction", ["school_id", "id"]),
        _key("payout", ["connection_id"], "connection", ["id"]),
        _key("payout", ["decided_by"], "app_user", ["id"]),
        _key("payout", ["dissolved_by"], "app_user", ["id"]),
        _key("payout", ["school_id"], "school", ["id"]),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__payout")),
    )
    op.create_index(
        "uq__payout__live_line",
        "payout",
        ["school_id", "transaction_id"],
        unique=True,
        postgresql_where=sa.text("dissolved_at IS NULL"),
    )
    op.create_table(
        "payout_item",
        sa.Column("payout_id", sa.BigInteger(), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("live", sa.Boolean(), server_default="true", nullable=False),
        *_school_columns(),
        sa.CheckConstraint("amount_vnd <> 0", name=op.f("ck__payout_item__amount_not_zero")),
        _key("payout_item", ["school_id", "payout_id"], "payout", ["school_id", "id"]),
        _key("payout_item", ["school_id", "transaction_id"], "bank_transaction", ["school_id", "id"]),
        _key("payout_item", ["school_id"], "school", ["id"]),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__payout_item")),
    )
    op.create_index(op.f("ix__payout_item__school_id_payout_id"), "payout_item", ["school_id", "payout_id"])
    op.create_index(
        "uq__payout_item__live",
        "payout_item",
        ["school_id", "transaction_id"],
        unique=True,
        postgresql_where=sa.text("live"),
    )


def _create_reports() -> None:
    op.create_table(
        "payout_report",
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("imported_by", sa.BigInteger(), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        *_school_columns(),
        _key("payout_report", ["connection_id"], "connection", ["id"]),
        _key("payout_report", ["imported_by"], "app_user", ["id"]),
        _key("payout_report", ["school_id", "account_id"], "receiving_account", ["school_id", "id"]),
        _key("payout_report", ["school_id"], "school", ["id"]),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__payout_report")),
        sa.UniqueConstraint(
            "school_id",
            "connection_id",
            "account_id",
            "content_sha256",
            name="uq__payout_report__same_content",
        ),
    )
    op.create_table(
        "payout_report_row",
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("row_no", sa.Integer(), nullable=False),
        sa.Column("payout_key", sa.Text(), nullable=False),
        sa.Column("payout_reference", sa.Text(), nullable=True),
        sa.Column("payout_on", sa.Date(), nullable=True),
        sa.Column("txn_id", sa.Text(), nullable=False),
        sa.Column("order_reference", sa.Text(), nullable=True),
        sa.Column("is_refund", sa.Boolean(), nullable=False),
        sa.Column("gross_vnd", sa.BigInteger(), nullable=False),
        sa.Column("fee_vnd", sa.BigInteger(), nullable=False),
        sa.Column("net_vnd", sa.BigInteger(), nullable=False),
        *_school_columns(),
        sa.CheckConstraint("gross_vnd <> 0 AND (gross_vnd < 0) = is_refund", name=op.f("ck__payout_report_row__sign")),
        sa.CheckConstraint("net_vnd = gross_vnd - fee_vnd", name=op.f("ck__payout_report_row__net")),
        _key("payout_report_row", ["connection_id"], "connection", ["id"]),
        _key("payout_report_row", ["school_id", "report_id"], "payout_report", ["school_id", "id"]),
        _key("payout_report_row", ["school_id", "account_id"], "receiving_account", ["school_id", "id"]),
        _key("payout_report_row", ["school_id"], "school", ["id"]),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__payout_report_row")),
        sa.UniqueConstraint(
            "school_id",
            "connection_id",
            "account_id",
            "payout_key",
            "txn_id",
            "is_refund",
            name="uq__payout_report_row__known_once",
        ),
    )
    op.create_index(op.f("ix__payout_report_row__school_id_report_id"), "payout_report_row", ["school_id", "report_id"])
