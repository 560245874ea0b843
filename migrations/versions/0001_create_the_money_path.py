"""Create the tables of the money path: from the organisation tree to the proved day."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "app_user",
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("failed_logins", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__app_user")),
        sa.UniqueConstraint("username", name=op.f("uq__app_user__username")),
    )
    op.create_table(
        "bank",
        sa.Column("bin", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("short_name", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("aliases", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("bin", name=op.f("pk__bank")),
    )
    op.create_table(
        "connection",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("adapter", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("token_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("allowed_networks", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("sandbox", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__connection")),
        sa.UniqueConstraint("token_hash", name=op.f("uq__connection__token_hash")),
    )
    op.create_table(
        "fee_ceiling",
        sa.Column("fee_code", sa.Text(), nullable=False),
        sa.Column(
            "unit",
            sa.Enum(
                "month",
                "semester",
                "year",
                "day",
                "hour",
                "period",
                "km",
                "once",
                "free_amount",
                name="unit",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("level", sa.Text(), nullable=True),
        sa.Column("area_group", sa.Text(), nullable=True),
        sa.Column("ceiling_vnd", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__fee_ceiling")),
        sa.UniqueConstraint(
            "fee_code",
            "unit",
            "level",
            "area_group",
            "valid_from",
            name=op.f("uq__fee_ceiling__fee_code_unit_level_area_group_valid_from"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "holiday",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__holiday")),
        sa.UniqueConstraint("day", name=op.f("uq__holiday__day")),
    )
    op.create_table(
        "login_attempt",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("remote_addr", sa.Text(), nullable=True),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__login_attempt")),
    )
    op.create_index(op.f("ix__login_attempt__remote_addr_at"), "login_attempt", ["remote_addr", "at"], unique=False)
    op.create_table(
        "night_run",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("group_no", sa.Integer(), nullable=False),
        sa.Column("school_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column(
            "state",
            sa.Enum("open", "done", "dead", name="nightstate", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__night_run")),
        sa.UniqueConstraint("day", "group_no", name=op.f("uq__night_run__day_group_no")),
    )
    op.create_table(
        "night_summary",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__night_summary")),
        sa.UniqueConstraint("day", name=op.f("uq__night_summary__day")),
    )
    op.create_table(
        "organisation",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "department",
                "middle",
                "school",
                name="organisationkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__organisation")),
        sa.UniqueConstraint("code", name=op.f("uq__organisation__code")),
    )
    op.create_table(
        "receipt_counter",
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("next_number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("school_id", "year", "series", name=op.f("pk__receipt_counter")),
    )
    op.create_table(
        "connection_secret",
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk__connection_secret__connection_id__connection")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__connection_secret")),
    )
    op.create_index(op.f("ix__connection_secret__connection_id"), "connection_secret", ["connection_id"], unique=False)
    op.create_table(
        "organisation_parent",
        sa.Column("child_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("child_id <> parent_id", name=op.f("ck__organisation_parent__not_itself")),
        sa.CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name=op.f("ck__organisation_parent__dates")),
        sa.ForeignKeyConstraint(
            ["child_id"], ["organisation.id"], name=op.f("fk__organisation_parent__child_id__organisation")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["organisation.id"], name=op.f("fk__organisation_parent__parent_id__organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__organisation_parent")),
        sa.UniqueConstraint("child_id", "valid_from", name=op.f("uq__organisation_parent__child_id_valid_from")),
    )
    op.create_table(
        "raw_callback",
        sa.Column("connection_id", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("remote_addr", sa.Text(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("body_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("body_bytes", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk__raw_callback__connection_id__connection")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__raw_callback")),
    )
    op.create_index(
        op.f("ix__raw_callback__connection_id_received_at"),
        "raw_callback",
        ["connection_id", "received_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix__raw_callback__outcome_received_at"), "raw_callback", ["outcome", "received_at"], unique=False
    )
    op.create_table(
        "school",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "level",
            sa.Enum(
                "kindergarten",
                "primary",
                "lower_secondary",
                "upper_secondary",
                "continuing",
                name="schoollevel",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "ownership",
            sa.Enum(
                "public",
                "public_high_quality",
                "private",
                name="ownership",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("area_group", sa.Text(), nullable=True),
        sa.Column(
            "invoice_grouping",
            sa.Enum(
                "per_fee_item",
                "per_account",
                name="invoicegrouping",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["organisation.id"], name=op.f("fk__school__id__organisation")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__school")),
        sa.UniqueConstraint("code", name=op.f("uq__school__code")),
    )
    op.create_table(
        "throttle_count",
        sa.Column("connection_id", sa.BigInteger(), nullable=True),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deliveries", sa.Integer(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk__throttle_count__connection_id__connection")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__throttle_count")),
        sa.UniqueConstraint(
            "connection_id",
            "hour",
            name=op.f("uq__throttle_count__connection_id_hour"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "user_grant",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "accountant",
                "principal",
                "officer",
                "operator",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name=op.f("ck__user_grant__dates")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk__user_grant__organisation_id__organisation")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk__user_grant__user_id__app_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__user_grant")),
    )
    op.create_index(op.f("ix__user_grant__user_id"), "user_grant", ["user_id"], unique=False)
    op.create_table(
        "user_session",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk__user_session__user_id__app_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__user_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq__user_session__token_hash")),
    )
    op.create_index(op.f("ix__user_session__user_id"), "user_session", ["user_id"], unique=False)
    op.create_table(
        "approval",
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "proposed",
                "approved",
                "rejected",
                name="approvalstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("proposed_by", sa.BigInteger(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("(state = 'proposed') = (decided_by IS NULL)", name=op.f("ck__approval__decided")),
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> proposed_by", name=op.f("ck__approval__two_people")),
        sa.ForeignKeyConstraint(["decided_by"], ["app_user.id"], name=op.f("fk__approval__decided_by__app_user")),
        sa.ForeignKeyConstraint(["proposed_by"], ["app_user.id"], name=op.f("fk__approval__proposed_by__app_user")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__approval__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__approval")),
    )
    op.create_index(
        op.f("ix__approval__school_id_subject_kind_subject_id"),
        "approval",
        ["school_id", "subject_kind", "subject_id"],
        unique=False,
    )
    op.create_table(
        "audit_event",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["app_user.id"], name=op.f("fk__audit_event__actor_id__app_user")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__audit_event__school_id__school")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__audit_event")),
    )
    op.create_index(op.f("ix__audit_event__school_id_at"), "audit_event", ["school_id", "at"], unique=False)
    op.create_index(
        op.f("ix__audit_event__subject_kind_subject_id"), "audit_event", ["subject_kind", "subject_id"], unique=False
    )
    op.create_table(
        "evidence",
        sa.Column(
            "source",
            sa.Enum(
                "callback", "poll", "statement", name="source", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("connection_id", sa.BigInteger(), nullable=True),
        sa.Column("raw_callback_id", sa.BigInteger(), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=True),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("account_named", sa.Text(), nullable=False),
        sa.Column("dedup_key", sa.Text(), nullable=False),
        sa.Column(
            "direction",
            sa.Enum("credit", "debit", name="direction", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "settled",
                "failed",
                "void",
                "test",
                name="evidencestatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("value_date", sa.Date(), nullable=False),
        sa.Column("provider_txn_id", sa.Text(), nullable=False),
        sa.Column("bank_reference", sa.Text(), nullable=True),
        sa.Column("order_reference", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("references", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("conflicting", sa.Boolean(), nullable=False),
        sa.Column("sandbox", sa.Boolean(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "(source = 'statement') = (connection_id IS NULL)", name=op.f("ck__evidence__connection_or_statement")
        ),
        sa.CheckConstraint(
            "(school_id IS NULL) = (account_id IS NULL)", name=op.f("ck__evidence__school_with_account")
        ),
        sa.CheckConstraint("amount_vnd > 0", name=op.f("ck__evidence__amount_positive")),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk__evidence__connection_id__connection")
        ),
        sa.ForeignKeyConstraint(
            ["raw_callback_id"], ["raw_callback.id"], name=op.f("fk__evidence__raw_callback_id__raw_callback")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__evidence")),
    )
    op.create_index(
        op.f("ix__evidence__school_id_account_id_value_date"),
        "evidence",
        ["school_id", "account_id", "value_date"],
        unique=False,
    )
    op.create_index(
        "uq__evidence__conflict",
        "evidence",
        ["connection_id", "dedup_key", "direction", "status", "content_sha256"],
        unique=True,
        postgresql_where="connection_id IS NOT NULL AND conflicting",
    )
    op.create_index(
        "uq__evidence__key",
        "evidence",
        ["connection_id", "dedup_key", "direction", "status"],
        unique=True,
        postgresql_where="connection_id IS NOT NULL AND NOT conflicting",
    )
    op.create_index(
        "uq__evidence__statement_line",
        "evidence",
        ["school_id", "account_id", "dedup_key"],
        unique=True,
        postgresql_where="source = 'statement'",
    )
    op.create_table(
        "ledger_entry",
        sa.Column(
            "kind",
            sa.Enum(
                "issue",
                "settlement",
                "assignment",
                "reversal",
                "cancellation",
                name="entrykind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reverses_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "transaction_xid",
            sa.BigInteger(),
            server_default=sa.text("(pg_current_xact_id()::text)::bigint"),
            nullable=False,
        ),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "reverses_id"],
            ["ledger_entry.school_id", "ledger_entry.id"],
            name=op.f("fk__ledger_entry__school_id_reverses_id__ledger_entry"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__ledger_entry__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__ledger_entry")),
        sa.UniqueConstraint("school_id", "source_key", name=op.f("uq__ledger_entry__school_id_source_key")),
    )
    op.create_table(
        "ledger_import",
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("opening_vnd", sa.BigInteger(), nullable=True),
        sa.Column("closing_vnd", sa.BigInteger(), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__ledger_import__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__ledger_import")),
        sa.UniqueConstraint("school_id", "content_sha256", name=op.f("uq__ledger_import__school_id_content_sha256")),
    )
    op.create_table(
        "message",
        sa.Column("dedup_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recipient_user_id", sa.BigInteger(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "sent",
                "failed",
                "shown",
                name="messagestate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["recipient_user_id"], ["app_user.id"], name=op.f("fk__message__recipient_user_id__app_user")
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__message__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__message")),
        sa.UniqueConstraint("school_id", "dedup_key", name=op.f("uq__message__school_id_dedup_key")),
    )
    op.create_index(
        op.f("ix__message__school_id_recipient_user_id"), "message", ["school_id", "recipient_user_id"], unique=False
    )
    op.create_table(
        "outbox",
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=True),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_token", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dead", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__outbox__school_id__school")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__outbox")),
    )
    op.create_index("ix__outbox__due", "outbox", ["queue", "due_at"], unique=False, postgresql_where="NOT dead")
    op.create_index(
        "ix__outbox__school", "outbox", ["queue", "school_id", "id"], unique=False, postgresql_where="NOT dead"
    )
    op.create_table(
        "pupil",
        sa.Column("sector_id", sa.Text(), nullable=False),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("sort_key", sa.Text(), nullable=False),
        sa.Column("search_key", sa.Text(), nullable=False),
        sa.Column("date_of_birth", sa.Date(), nullable=False),
        sa.Column(
            "sex",
            sa.Enum("male", "female", name="sex", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("personal_id_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("personal_id_index", sa.LargeBinary(), nullable=True),
        sa.Column(
            "identity_status",
            sa.Enum(
                "unverified", "verified", name="identitystatus", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__pupil__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__pupil")),
        sa.UniqueConstraint("school_id", "sector_id", name=op.f("uq__pupil__school_id_sector_id")),
    )
    op.create_index(
        op.f("ix__pupil__school_id_personal_id_index"), "pupil", ["school_id", "personal_id_index"], unique=False
    )
    op.create_index(op.f("ix__pupil__school_id_sort_key"), "pupil", ["school_id", "sort_key"], unique=False)
    op.create_table(
        "receiving_account",
        sa.Column("bin", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("holder_name", sa.Text(), nullable=False),
        sa.Column("fund", sa.Text(), nullable=False),
        sa.Column("memo_prefix", sa.Text(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "proposed",
                "cooling",
                "active",
                "closed",
                name="accountstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("proposed_by", sa.BigInteger(), nullable=True),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.BigInteger(), nullable=True),
        sa.Column("usable_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("bin ~ '^[0-9]{6}$'", name=op.f("ck__receiving_account__bin_six_digits")),
        sa.CheckConstraint("number ~ '^[0-9A-Za-z]{1,19}$'", name=op.f("ck__receiving_account__number_plain")),
        sa.CheckConstraint(
            "state = 'proposed' OR state = 'closed' OR usable_at IS NOT NULL",
            name=op.f("ck__receiving_account__usable"),
        ),
        sa.CheckConstraint(
            "approved_by IS NULL OR approved_by <> proposed_by", name=op.f("ck__receiving_account__two_people")
        ),
        sa.ForeignKeyConstraint(
            ["approved_by"], ["app_user.id"], name=op.f("fk__receiving_account__approved_by__app_user")
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by"], ["app_user.id"], name=op.f("fk__receiving_account__proposed_by__app_user")
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__receiving_account__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__receiving_account")),
        sa.UniqueConstraint("bin", "number", name=op.f("uq__receiving_account__bin_number")),
    )
    op.create_table(
        "roster_import",
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("imported_by", sa.BigInteger(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["imported_by"], ["app_user.id"], name=op.f("fk__roster_import__imported_by__app_user")
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__roster_import__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__roster_import")),
    )
    op.create_index(
        op.f("ix__roster_import__school_id_imported_at"), "roster_import", ["school_id", "imported_at"], unique=False
    )
    op.create_table(
        "school_year",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("ends_on > starts_on", name=op.f("ck__school_year__dates")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__school_year__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__school_year")),
        sa.UniqueConstraint("school_id", "code", name=op.f("uq__school_year__school_id_code")),
    )
    op.create_table(
        "settlement_lease",
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__settlement_lease__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", name=op.f("pk__settlement_lease")),
    )
    op.create_table(
        "bank_statement",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("opening_vnd", sa.BigInteger(), nullable=True),
        sa.Column("closing_vnd", sa.BigInteger(), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.Column("proved", sa.Boolean(), nullable=False),
        sa.Column("break_at", sa.Text(), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("period_to >= period_from", name=op.f("ck__bank_statement__period")),
        sa.ForeignKeyConstraint(
            ["school_id", "account_id"],
            ["receiving_account.school_id", "receiving_account.id"],
            name=op.f("fk__bank_statement__school_id_account_id__receiving_account"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__bank_statement__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__bank_statement")),
        sa.UniqueConstraint(
            "school_id",
            "account_id",
            "content_sha256",
            name=op.f("uq__bank_statement__school_id_account_id_content_sha256"),
        ),
    )
    op.create_index(
        op.f("ix__bank_statement__school_id_account_id_period_from"),
        "bank_statement",
        ["school_id", "account_id", "period_from"],
        unique=False,
    )
    op.create_table(
        "bank_transaction",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "direction",
            sa.Enum("credit", "debit", name="direction", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("value_date", sa.Date(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("bank_reference", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("references", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "new",
                "credited",
                "unmatched",
                "reversed",
                "debit",
                name="transactionstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reverses_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("amount_vnd > 0", name=op.f("ck__bank_transaction__amount_positive")),
        sa.ForeignKeyConstraint(
            ["school_id", "account_id"],
            ["receiving_account.school_id", "receiving_account.id"],
            name=op.f("fk__bank_transaction__school_id_account_id__receiving_account"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "reverses_id"],
            ["bank_transaction.school_id", "bank_transaction.id"],
            name=op.f("fk__bank_transaction__school_id_reverses_id__bank_transaction"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__bank_transaction__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__bank_transaction")),
    )
    op.create_index(
        op.f("ix__bank_transaction__school_id_account_id_bank_reference"),
        "bank_transaction",
        ["school_id", "account_id", "bank_reference"],
        unique=False,
    )
    op.create_index(
        op.f("ix__bank_transaction__school_id_account_id_value_date"),
        "bank_transaction",
        ["school_id", "account_id", "value_date"],
        unique=False,
    )
    op.create_index(
        op.f("ix__bank_transaction__school_id_state"), "bank_transaction", ["school_id", "state"], unique=False
    )
    op.create_table(
        "channel",
        sa.Column("receiving_account_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "bank_transfer",
                "wallet",
                "card",
                "counter",
                name="channelkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("cost_vnd", sa.BigInteger(), nullable=False),
        sa.Column("cost_per_10000", sa.Integer(), nullable=False),
        sa.Column(
            "borne_by",
            sa.Enum("payer", "school", "bank", name="borneby", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("cost_vnd >= 0 AND cost_per_10000 >= 0", name=op.f("ck__channel__cost_not_negative")),
        sa.ForeignKeyConstraint(
            ["school_id", "receiving_account_id"],
            ["receiving_account.school_id", "receiving_account.id"],
            name=op.f("fk__channel__school_id_receiving_account_id__receiving_account"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__channel__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__channel")),
        sa.UniqueConstraint(
            "school_id", "receiving_account_id", "name", name=op.f("uq__channel__school_id_receiving_account_id_name")
        ),
    )
    op.create_table(
        "class_room",
        sa.Column("year_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "year_id"],
            ["school_year.school_id", "school_year.id"],
            name=op.f("fk__class_room__school_id_year_id__school_year"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__class_room__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__class_room")),
        sa.UniqueConstraint("school_id", "year_id", "name", name=op.f("uq__class_room__school_id_year_id_name")),
    )
    op.create_table(
        "collection_round",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("year_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("grouping", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "approved",
                "issuing",
                "issued",
                "closed",
                name="roundstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.BigInteger(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("planned_invoices", sa.Integer(), nullable=False),
        sa.Column("issued_invoices", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("state = 'draft' OR approved_by IS NOT NULL", name=op.f("ck__collection_round__approved")),
        sa.CheckConstraint(
            "approved_by IS NULL OR approved_by <> created_by", name=op.f("ck__collection_round__two_people")
        ),
        sa.CheckConstraint("due_on >= starts_on", name=op.f("ck__collection_round__dates")),
        sa.ForeignKeyConstraint(
            ["approved_by"], ["app_user.id"], name=op.f("fk__collection_round__approved_by__app_user")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["app_user.id"], name=op.f("fk__collection_round__created_by__app_user")
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "year_id"],
            ["school_year.school_id", "school_year.id"],
            name=op.f("fk__collection_round__school_id_year_id__school_year"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__collection_round__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__collection_round")),
        sa.UniqueConstraint("school_id", "code", name=op.f("uq__collection_round__school_id_code")),
    )
    op.create_table(
        "connection_account",
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "kind IN ('number', 'virtual_prefix', 'merchant')", name=op.f("ck__connection_account__kind")
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk__connection_account__connection_id__connection")
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "account_id"],
            ["receiving_account.school_id", "receiving_account.id"],
            name=op.f("fk__connection_account__school_id_account_id__receiving_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__connection_account")),
        sa.UniqueConstraint(
            "connection_id", "kind", "identifier", name=op.f("uq__connection_account__connection_id_kind_identifier")
        ),
    )
    op.create_table(
        "delivery_attempt",
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "message_id"],
            ["message.school_id", "message.id"],
            name=op.f("fk__delivery_attempt__school_id_message_id__message"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__delivery_attempt__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__delivery_attempt")),
    )
    op.create_table(
        "exemption",
        sa.Column("pupil_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "exemption",
                "waiver",
                "support",
                name="reliefkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=True),
        sa.Column("fixed_vnd", sa.BigInteger(), nullable=True),
        sa.Column("fee_codes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.BigInteger(), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("(percent IS NULL) <> (fixed_vnd IS NULL)", name=op.f("ck__exemption__percent_or_fixed")),
        sa.CheckConstraint("fixed_vnd > 0", name=op.f("ck__exemption__fixed_positive")),
        sa.CheckConstraint("percent BETWEEN 1 AND 100", name=op.f("ck__exemption__percent_range")),
        sa.ForeignKeyConstraint(["approved_by"], ["app_user.id"], name=op.f("fk__exemption__approved_by__app_user")),
        sa.ForeignKeyConstraint(
            ["school_id", "pupil_id"],
            ["pupil.school_id", "pupil.id"],
            name=op.f("fk__exemption__school_id_pupil_id__pupil"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__exemption__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__exemption")),
    )
    op.create_index(op.f("ix__exemption__school_id_pupil_id"), "exemption", ["school_id", "pupil_id"], unique=False)
    op.create_table(
        "fee_item",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "legal_group",
            sa.Enum(
                "tuition",
                "agency",
                "service",
                "sponsorship",
                name="legalgroup",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "unit",
            sa.Enum(
                "month",
                "semester",
                "year",
                "day",
                "hour",
                "period",
                "km",
                "once",
                "free_amount",
                name="unit",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("mandatory", sa.Boolean(), nullable=False),
        sa.Column("by_registration", sa.Boolean(), nullable=False),
        sa.Column("receiving_account_id", sa.BigInteger(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "legal_group <> 'sponsorship' OR NOT mandatory", name=op.f("ck__fee_item__sponsorship_is_voluntary")
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "receiving_account_id"],
            ["receiving_account.school_id", "receiving_account.id"],
            name=op.f("fk__fee_item__school_id_receiving_account_id__receiving_account"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__fee_item__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__fee_item")),
        sa.UniqueConstraint("school_id", "code", name=op.f("uq__fee_item__school_id_code")),
    )
    op.create_table(
        "guardian",
        sa.Column("pupil_id", sa.BigInteger(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "pupil_id"],
            ["pupil.school_id", "pupil.id"],
            name=op.f("fk__guardian__school_id_pupil_id__pupil"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__guardian__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__guardian")),
        sa.UniqueConstraint(
            "school_id", "pupil_id", "relation", name=op.f("uq__guardian__school_id_pupil_id_relation")
        ),
    )
    op.create_index(op.f("ix__guardian__school_id_phone_index"), "guardian", ["school_id", "phone_index"], unique=False)
    op.create_table(
        "ledger_row",
        sa.Column("import_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("natural_key", sa.Text(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("document_no", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("account_code", sa.Text(), nullable=False),
        sa.Column("contra_code", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("references", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("bank_reference", sa.Text(), nullable=True),
        sa.Column("is_cash", sa.Boolean(), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("amount_vnd > 0", name=op.f("ck__ledger_row__amount_positive")),
        sa.ForeignKeyConstraint(
            ["school_id", "account_id"],
            ["receiving_account.school_id", "receiving_account.id"],
            name=op.f("fk__ledger_row__school_id_account_id__receiving_account"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "import_id"],
            ["ledger_import.school_id", "ledger_import.id"],
            name=op.f("fk__ledger_row__school_id_import_id__ledger_import"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__ledger_row__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__ledger_row")),
        sa.UniqueConstraint("school_id", "natural_key", name=op.f("uq__ledger_row__school_id_natural_key")),
    )
    op.create_index(
        op.f("ix__ledger_row__school_id_account_id_booked_on"),
        "ledger_row",
        ["school_id", "account_id", "booked_on"],
        unique=False,
    )
    op.create_table(
        "parent_link",
        sa.Column("pupil_id", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "pupil_id"],
            ["pupil.school_id", "pupil.id"],
            name=op.f("fk__parent_link__school_id_pupil_id__pupil"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__parent_link__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__parent_link")),
        sa.UniqueConstraint("school_id", "pupil_id", name=op.f("uq__parent_link__school_id_pupil_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq__parent_link__token_hash")),
    )
    op.create_table(
        "reconcile_run",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("inputs_hash", sa.LargeBinary(), nullable=False),
        sa.Column("rules_version", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting_statement",
                "proved",
                "failed",
                name="runstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("matched", sa.Integer(), nullable=False),
        sa.Column("matched_vnd", sa.BigInteger(), nullable=False),
        sa.Column("proof", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("exceptions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("inputs", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "account_id"],
            ["receiving_account.school_id", "receiving_account.id"],
            name=op.f("fk__reconcile_run__school_id_account_id__receiving_account"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__reconcile_run__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__reconcile_run")),
        sa.UniqueConstraint(
            "school_id",
            "account_id",
            "day",
            "inputs_hash",
            name=op.f("uq__reconcile_run__school_id_account_id_day_inputs_hash"),
        ),
    )
    op.create_index(
        op.f("ix__reconcile_run__school_id_account_id_day"),
        "reconcile_run",
        ["school_id", "account_id", "day"],
        unique=False,
    )
    op.create_table(
        "bank_line",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("statement_id", sa.BigInteger(), nullable=False),
        sa.Column("evidence_id", sa.BigInteger(), nullable=True),
        sa.Column("natural_key", sa.Text(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("value_date", sa.Date(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("bank_reference", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("references", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("balance_after_vnd", sa.BigInteger(), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("amount_vnd > 0", name=op.f("ck__bank_line__amount_positive")),
        sa.ForeignKeyConstraint(
            ["school_id", "account_id"],
            ["receiving_account.school_id", "receiving_account.id"],
            name=op.f("fk__bank_line__school_id_account_id__receiving_account"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "statement_id"],
            ["bank_statement.school_id", "bank_statement.id"],
            name=op.f("fk__bank_line__school_id_statement_id__bank_statement"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__bank_line__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__bank_line")),
        sa.UniqueConstraint(
            "school_id", "account_id", "natural_key", name=op.f("uq__bank_line__school_id_account_id_natural_key")
        ),
    )
    op.create_index(
        op.f("ix__bank_line__school_id_account_id_value_date"),
        "bank_line",
        ["school_id", "account_id", "value_date"],
        unique=False,
    )
    op.create_index(
        op.f("ix__bank_line__school_id_statement_id"), "bank_line", ["school_id", "statement_id"], unique=False
    )
    op.create_table(
        "chart_mapping",
        sa.Column("chart", sa.Text(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "bank",
                "receivable",
                "income",
                "credit",
                "suspense",
                name="ledgerrole",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("legal_group", sa.Text(), nullable=True),
        sa.Column("fee_item_id", sa.BigInteger(), nullable=True),
        sa.Column("account_code", sa.Text(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "fee_item_id"],
            ["fee_item.school_id", "fee_item.id"],
            name=op.f("fk__chart_mapping__school_id_fee_item_id__fee_item"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__chart_mapping__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__chart_mapping")),
        sa.UniqueConstraint(
            "school_id",
            "chart",
            "role",
            "legal_group",
            "fee_item_id",
            name=op.f("uq__chart_mapping__school_id_chart_role_legal_group_fee_item_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "decision",
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("assign", "undo", name="decisionkind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("undoes_id", sa.BigInteger(), nullable=True),
        sa.Column("invoice_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["decided_by"], ["app_user.id"], name=op.f("fk__decision__decided_by__app_user")),
        sa.ForeignKeyConstraint(
            ["school_id", "transaction_id"],
            ["bank_transaction.school_id", "bank_transaction.id"],
            name=op.f("fk__decision__school_id_transaction_id__bank_transaction"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "undoes_id"],
            ["decision.school_id", "decision.id"],
            name=op.f("fk__decision__school_id_undoes_id__decision"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__decision__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__decision")),
        sa.UniqueConstraint("school_id", "undoes_id", name=op.f("uq__decision__school_id_undoes_id")),
    )
    op.create_index(
        op.f("ix__decision__school_id_transaction_id"), "decision", ["school_id", "transaction_id"], unique=False
    )
    op.create_table(
        "enrollment",
        sa.Column("pupil_id", sa.BigInteger(), nullable=False),
        sa.Column("class_id", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "studying",
                "moved",
                "left",
                name="enrollmentstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck__enrollment__dates")),
        sa.ForeignKeyConstraint(
            ["school_id", "class_id"],
            ["class_room.school_id", "class_room.id"],
            name=op.f("fk__enrollment__school_id_class_id__class_room"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "pupil_id"],
            ["pupil.school_id", "pupil.id"],
            name=op.f("fk__enrollment__school_id_pupil_id__pupil"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__enrollment__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__enrollment")),
        sa.UniqueConstraint(
            "school_id",
            "pupil_id",
            "class_id",
            "valid_from",
            name=op.f("uq__enrollment__school_id_pupil_id_class_id_valid_from"),
        ),
    )
    op.create_index(op.f("ix__enrollment__school_id_class_id"), "enrollment", ["school_id", "class_id"], unique=False)
    op.create_table(
        "fee_rate",
        sa.Column("fee_item_id", sa.BigInteger(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=True),
        sa.Column("unit_price_vnd", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("unit_price_vnd >= 0", name=op.f("ck__fee_rate__price_not_negative")),
        sa.ForeignKeyConstraint(
            ["school_id", "fee_item_id"],
            ["fee_item.school_id", "fee_item.id"],
            name=op.f("fk__fee_rate__school_id_fee_item_id__fee_item"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__fee_rate__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__fee_rate")),
        sa.UniqueConstraint(
            "school_id",
            "fee_item_id",
            "grade",
            "valid_from",
            name=op.f("uq__fee_rate__school_id_fee_item_id_grade_valid_from"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "invoice",
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("pupil_id", sa.BigInteger(), nullable=False),
        sa.Column("receiving_account_id", sa.BigInteger(), nullable=False),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("mandatory_vnd", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaces_id", sa.BigInteger(), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("amount_vnd > 0", name=op.f("ck__invoice__amount_positive")),
        sa.CheckConstraint("mandatory_vnd BETWEEN 0 AND amount_vnd", name=op.f("ck__invoice__mandatory_within")),
        sa.ForeignKeyConstraint(
            ["school_id", "pupil_id"],
            ["pupil.school_id", "pupil.id"],
            name=op.f("fk__invoice__school_id_pupil_id__pupil"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "receiving_account_id"],
            ["receiving_account.school_id", "receiving_account.id"],
            name=op.f("fk__invoice__school_id_receiving_account_id__receiving_account"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "replaces_id"],
            ["invoice.school_id", "invoice.id"],
            name=op.f("fk__invoice__school_id_replaces_id__invoice"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "round_id"],
            ["collection_round.school_id", "collection_round.id"],
            name=op.f("fk__invoice__school_id_round_id__collection_round"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__invoice__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__invoice")),
        sa.UniqueConstraint("school_id", "reference", name=op.f("uq__invoice__school_id_reference")),
    )
    op.create_index(op.f("ix__invoice__school_id_pupil_id"), "invoice", ["school_id", "pupil_id"], unique=False)
    op.create_index(op.f("ix__invoice__school_id_round_id"), "invoice", ["school_id", "round_id"], unique=False)
    op.create_table(
        "ledger_account",
        sa.Column(
            "role",
            sa.Enum(
                "bank",
                "receivable",
                "income",
                "credit",
                "suspense",
                name="ledgerrole",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("receiving_account_id", sa.BigInteger(), nullable=True),
        sa.Column("fee_item_id", sa.BigInteger(), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "fee_item_id"],
            ["fee_item.school_id", "fee_item.id"],
            name=op.f("fk__ledger_account__school_id_fee_item_id__fee_item"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "receiving_account_id"],
            ["receiving_account.school_id", "receiving_account.id"],
            name=op.f("fk__ledger_account__school_id_receiving_account_id__receiving_account"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__ledger_account__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__ledger_account")),
        sa.UniqueConstraint(
            "school_id",
            "role",
            "receiving_account_id",
            "fee_item_id",
            name=op.f("uq__ledger_account__school_id_role_receiving_account_id_fee_item_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "receipt",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("pupil_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verify_code", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_reason", sa.Text(), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "pupil_id"],
            ["pupil.school_id", "pupil.id"],
            name=op.f("fk__receipt__school_id_pupil_id__pupil"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "transaction_id"],
            ["bank_transaction.school_id", "bank_transaction.id"],
            name=op.f("fk__receipt__school_id_transaction_id__bank_transaction"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__receipt__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__receipt")),
        sa.UniqueConstraint(
            "school_id", "year", "series", "number", name=op.f("uq__receipt__school_id_year_series_number")
        ),
        sa.UniqueConstraint("verify_code", name=op.f("uq__receipt__verify_code")),
    )
    op.create_index(op.f("ix__receipt__school_id_pupil_id"), "receipt", ["school_id", "pupil_id"], unique=False)
    op.create_index(
        op.f("ix__receipt__school_id_transaction_id"), "receipt", ["school_id", "transaction_id"], unique=False
    )
    op.create_table(
        "reconcile_item",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("primary_class", sa.Text(), nullable=False),
        sa.Column("flags", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("value_date", sa.Date(), nullable=False),
        sa.Column("bank_line_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("transaction_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("ledger_row_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "run_id"],
            ["reconcile_run.school_id", "reconcile_run.id"],
            name=op.f("fk__reconcile_item__school_id_run_id__reconcile_run"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__reconcile_item__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__reconcile_item")),
    )
    op.create_index(
        op.f("ix__reconcile_item__school_id_run_id_primary_class"),
        "reconcile_item",
        ["school_id", "run_id", "primary_class"],
        unique=False,
    )
    op.create_table(
        "registration",
        sa.Column("pupil_id", sa.BigInteger(), nullable=False),
        sa.Column("fee_item_id", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck__registration__quantity_not_negative")),
        sa.ForeignKeyConstraint(
            ["school_id", "fee_item_id"],
            ["fee_item.school_id", "fee_item.id"],
            name=op.f("fk__registration__school_id_fee_item_id__fee_item"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "pupil_id"],
            ["pupil.school_id", "pupil.id"],
            name=op.f("fk__registration__school_id_pupil_id__pupil"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__registration__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__registration")),
        sa.UniqueConstraint(
            "school_id",
            "pupil_id",
            "fee_item_id",
            "valid_from",
            name=op.f("uq__registration__school_id_pupil_id_fee_item_id_valid_from"),
        ),
    )
    op.create_index(
        op.f("ix__registration__school_id_fee_item_id"), "registration", ["school_id", "fee_item_id"], unique=False
    )
    op.create_table(
        "round_fee",
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("fee_item_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck__round_fee__quantity_not_negative")),
        sa.ForeignKeyConstraint(
            ["school_id", "fee_item_id"],
            ["fee_item.school_id", "fee_item.id"],
            name=op.f("fk__round_fee__school_id_fee_item_id__fee_item"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "round_id"],
            ["collection_round.school_id", "collection_round.id"],
            name=op.f("fk__round_fee__school_id_round_id__collection_round"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__round_fee__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__round_fee")),
        sa.UniqueConstraint(
            "school_id", "round_id", "fee_item_id", name=op.f("uq__round_fee__school_id_round_id_fee_item_id")
        ),
    )
    op.create_table(
        "round_quantity",
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("pupil_id", sa.BigInteger(), nullable=False),
        sa.Column("fee_item_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck__round_quantity__quantity_not_negative")),
        sa.ForeignKeyConstraint(
            ["school_id", "fee_item_id"],
            ["fee_item.school_id", "fee_item.id"],
            name=op.f("fk__round_quantity__school_id_fee_item_id__fee_item"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "pupil_id"],
            ["pupil.school_id", "pupil.id"],
            name=op.f("fk__round_quantity__school_id_pupil_id__pupil"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "round_id"],
            ["collection_round.school_id", "collection_round.id"],
            name=op.f("fk__round_quantity__school_id_round_id__collection_round"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__round_quantity__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__round_quantity")),
        sa.UniqueConstraint(
            "school_id",
            "round_id",
            "pupil_id",
            "fee_item_id",
            name=op.f("uq__round_quantity__school_id_round_id_pupil_id_fee_item_id"),
        ),
    )
    op.create_table(
        "settlement",
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "exact",
                "short",
                "over",
                "twice",
                "several",
                "replaced",
                "reversal",
                "damaged",
                "unknown",
                "lump",
                "wrong_fund",
                "assigned",
                "debit",
                name="settlementoutcome",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("flags", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("suggestions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "transaction_id"],
            ["bank_transaction.school_id", "bank_transaction.id"],
            name=op.f("fk__settlement__school_id_transaction_id__bank_transaction"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__settlement__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__settlement")),
        sa.UniqueConstraint("school_id", "transaction_id", name=op.f("uq__settlement__school_id_transaction_id")),
    )
    op.create_index(op.f("ix__settlement__school_id_outcome"), "settlement", ["school_id", "outcome"], unique=False)
    op.create_table(
        "transaction_evidence",
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("evidence_id", sa.BigInteger(), nullable=False),
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name=op.f("fk__transaction_evidence__evidence_id__evidence")
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "transaction_id"],
            ["bank_transaction.school_id", "bank_transaction.id"],
            name=op.f("fk__transaction_evidence__school_id_transaction_id__bank_transaction"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__transaction_evidence__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__transaction_evidence")),
        sa.UniqueConstraint("evidence_id", name=op.f("uq__transaction_evidence__evidence_id")),
        sa.UniqueConstraint(
            "school_id",
            "transaction_id",
            "source_key",
            name=op.f("uq__transaction_evidence__school_id_transaction_id_source_key"),
        ),
    )
    op.create_table(
        "invoice_balance",
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("paid_vnd", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "partial",
                "paid",
                "replaced",
                "cancelled",
                name="invoicestate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('replaced', 'cancelled') OR state = CASE WHEN paid_vnd = 0 THEN 'open' WHEN paid_vnd < amount_vnd THEN 'partial' ELSE 'paid' END",
            name=op.f("ck__invoice_balance__state_follows_amounts"),
        ),
        sa.CheckConstraint("paid_vnd BETWEEN 0 AND amount_vnd", name=op.f("ck__invoice_balance__paid_within")),
        sa.ForeignKeyConstraint(
            ["school_id", "invoice_id"],
            ["invoice.school_id", "invoice.id"],
            name=op.f("fk__invoice_balance__school_id_invoice_id__invoice"),
        ),
        sa.PrimaryKeyConstraint("school_id", "invoice_id", name=op.f("pk__invoice_balance")),
    )
    op.create_table(
        "invoice_current",
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("pupil_id", sa.BigInteger(), nullable=False),
        sa.Column("receiving_account_id", sa.BigInteger(), nullable=False),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "invoice_id"],
            ["invoice.school_id", "invoice.id"],
            name=op.f("fk__invoice_current__school_id_invoice_id__invoice"),
        ),
        sa.PrimaryKeyConstraint(
            "school_id", "round_id", "pupil_id", "receiving_account_id", "group_key", name=op.f("pk__invoice_current")
        ),
    )
    op.create_table(
        "invoice_line",
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("fee_item_id", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("legal_group", sa.Text(), nullable=False),
        sa.Column("mandatory", sa.Boolean(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_price_vnd", sa.BigInteger(), nullable=False),
        sa.Column("relief_vnd", sa.BigInteger(), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "amount_vnd = quantity * unit_price_vnd - relief_vnd", name=op.f("ck__invoice_line__arithmetic")
        ),
        sa.CheckConstraint("amount_vnd >= 0 AND relief_vnd >= 0", name=op.f("ck__invoice_line__not_negative")),
        sa.ForeignKeyConstraint(
            ["school_id", "fee_item_id"],
            ["fee_item.school_id", "fee_item.id"],
            name=op.f("fk__invoice_line__school_id_fee_item_id__fee_item"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "invoice_id"],
            ["invoice.school_id", "invoice.id"],
            name=op.f("fk__invoice_line__school_id_invoice_id__invoice"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__invoice_line__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__invoice_line")),
        sa.UniqueConstraint(
            "school_id", "invoice_id", "line_no", name=op.f("uq__invoice_line__school_id_invoice_id_line_no")
        ),
    )
    op.create_table(
        "ledger_balance",
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("balance_vnd", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "account_id"],
            ["ledger_account.school_id", "ledger_account.id"],
            name=op.f("fk__ledger_balance__school_id_account_id__ledger_account"),
        ),
        sa.PrimaryKeyConstraint("school_id", "account_id", name=op.f("pk__ledger_balance")),
    )
    op.create_table(
        "ledger_line",
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("amount_vnd <> 0", name=op.f("ck__ledger_line__amount_not_zero")),
        sa.ForeignKeyConstraint(
            ["school_id", "account_id"],
            ["ledger_account.school_id", "ledger_account.id"],
            name=op.f("fk__ledger_line__school_id_account_id__ledger_account"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "entry_id"],
            ["ledger_entry.school_id", "ledger_entry.id"],
            name=op.f("fk__ledger_line__school_id_entry_id__ledger_entry"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__ledger_line__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__ledger_line")),
    )
    op.create_index(
        op.f("ix__ledger_line__school_id_account_id"), "ledger_line", ["school_id", "account_id"], unique=False
    )
    op.create_index(op.f("ix__ledger_line__school_id_entry_id"), "ledger_line", ["school_id", "entry_id"], unique=False)
    op.create_table(
        "pupil_credit",
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("pupil_id", sa.BigInteger(), nullable=False),
        sa.Column("receiving_account_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("reverses_id", sa.BigInteger(), nullable=True),
        sa.Column("decision_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "amount_vnd <> 0 AND (amount_vnd < 0) = (reverses_id IS NOT NULL)", name=op.f("ck__pupil_credit__sign")
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "decision_id"],
            ["decision.school_id", "decision.id"],
            name=op.f("fk__pupil_credit__school_id_decision_id__decision"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "pupil_id"],
            ["pupil.school_id", "pupil.id"],
            name=op.f("fk__pupil_credit__school_id_pupil_id__pupil"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "receiving_account_id"],
            ["receiving_account.school_id", "receiving_account.id"],
            name=op.f("fk__pupil_credit__school_id_receiving_account_id__receiving_account"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "reverses_id"],
            ["pupil_credit.school_id", "pupil_credit.id"],
            name=op.f("fk__pupil_credit__school_id_reverses_id__pupil_credit"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "transaction_id"],
            ["bank_transaction.school_id", "bank_transaction.id"],
            name=op.f("fk__pupil_credit__school_id_transaction_id__bank_transaction"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__pupil_credit__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__pupil_credit")),
        sa.UniqueConstraint("school_id", "reverses_id", name=op.f("uq__pupil_credit__school_id_reverses_id")),
    )
    op.create_index(
        op.f("ix__pupil_credit__school_id_pupil_id_receiving_account_id"),
        "pupil_credit",
        ["school_id", "pupil_id", "receiving_account_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix__pupil_credit__school_id_transaction_id"),
        "pupil_credit",
        ["school_id", "transaction_id"],
        unique=False,
    )
    op.create_table(
        "allocation",
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("reverses_id", sa.BigInteger(), nullable=True),
        sa.Column("decision_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "amount_vnd <> 0 AND (amount_vnd < 0) = (reverses_id IS NOT NULL)", name=op.f("ck__allocation__sign")
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "decision_id"],
            ["decision.school_id", "decision.id"],
            name=op.f("fk__allocation__school_id_decision_id__decision"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "invoice_id"],
            ["invoice.school_id", "invoice.id"],
            name=op.f("fk__allocation__school_id_invoice_id__invoice"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "line_id"],
            ["invoice_line.school_id", "invoice_line.id"],
            name=op.f("fk__allocation__school_id_line_id__invoice_line"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "reverses_id"],
            ["allocation.school_id", "allocation.id"],
            name=op.f("fk__allocation__school_id_reverses_id__allocation"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "transaction_id"],
            ["bank_transaction.school_id", "bank_transaction.id"],
            name=op.f("fk__allocation__school_id_transaction_id__bank_transaction"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__allocation__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__allocation")),
        sa.UniqueConstraint("school_id", "reverses_id", name=op.f("uq__allocation__school_id_reverses_id")),
    )
    op.create_index(
        op.f("ix__allocation__school_id_invoice_id"), "allocation", ["school_id", "invoice_id"], unique=False
    )
    op.create_index(
        op.f("ix__allocation__school_id_transaction_id"), "allocation", ["school_id", "transaction_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix__allocation__school_id_transaction_id"), table_name="allocation")
    op.drop_index(op.f("ix__allocation__school_id_invoice_id"), table_name="allocation")
    op.drop_table("allocation")
    op.drop_index(op.f("ix__pupil_credit__school_id_transaction_id"), table_name="pupil_credit")
    op.drop_index(op.f("ix__pupil_credit__school_id_pupil_id_receiving_account_id"), table_name="pupil_credit")
    op.drop_table("pupil_credit")
    op.drop_index(op.f("ix__ledger_line__school_id_entry_id"), table_name="ledger_line")
    op.drop_index(op.f("ix__ledger_line__school_id_account_id"), table_name="ledger_line")
    op.drop_table("ledger_line")
    op.drop_table("ledger_balance")
    op.drop_table("invoice_line")
    op.drop_table("invoice_current")
    op.drop_table("invoice_balance")
    op.drop_table("transaction_evidence")
    op.drop_index(op.f("ix__settlement__school_id_outcome"), table_name="settlement")
    op.drop_table("settlement")
    op.drop_table("round_quantity")
    op.drop_table("round_fee")
    op.drop_index(op.f("ix__registration__school_id_fee_item_id"), table_name="registration")
    op.drop_table("registration")
    op.drop_index(op.f("ix__reconcile_item__school_id_run_id_primary_class"), table_name="reconcile_item")
    op.drop_table("reconcile_item")
    op.drop_index(op.f("ix__receipt__school_id_transaction_id"), table_name="receipt")
    op.drop_index(op.f("ix__receipt__school_id_pupil_id"), table_name="receipt")
    op.drop_table("receipt")
    op.drop_table("ledger_account")
    op.drop_index(op.f("ix__invoice__school_id_round_id"), table_name="invoice")
    op.drop_index(op.f("ix__invoice__school_id_pupil_id"), table_name="invoice")
    op.drop_table("invoice")
    op.drop_table("fee_rate")
    op.drop_index(op.f("ix__enrollment__school_id_class_id"), table_name="enrollment")
    op.drop_table("enrollment")
    op.drop_index(op.f("ix__decision__school_id_transaction_id"), table_name="decision")
    op.drop_table("decision")
    op.drop_table("chart_mapping")
    op.drop_index(op.f("ix__bank_line__school_id_statement_id"), table_name="bank_line")
    op.drop_index(op.f("ix__bank_line__school_id_account_id_value_date"), table_name="bank_line")
    op.drop_table("bank_line")
    op.drop_index(op.f("ix__reconcile_run__school_id_account_id_day"), table_name="reconcile_run")
    op.drop_table("reconcile_run")
    op.drop_table("parent_link")
    op.drop_index(op.f("ix__ledger_row__school_id_account_id_booked_on"), table_name="ledger_row")
    op.drop_table("ledger_row")
    op.drop_index(op.f("ix__guardian__school_id_phone_index"), table_name="guardian")
    op.drop_table("guardian")
    op.drop_table("fee_item")
    op.drop_index(op.f("ix__exemption__school_id_pupil_id"), table_name="exemption")
    op.drop_table("exemption")
    op.drop_table("delivery_attempt")
    op.drop_table("connection_account")
    op.drop_table("collection_round")
    op.drop_table("class_room")
    op.drop_table("channel")
    op.drop_index(op.f("ix__bank_transaction__school_id_state"), table_name="bank_transaction")
    op.drop_index(op.f("ix__bank_transaction__school_id_account_id_value_date"), table_name="bank_transaction")
    op.drop_index(op.f("ix__bank_transaction__school_id_account_id_bank_reference"), table_name="bank_transaction")
    op.drop_table("bank_transaction")
    op.drop_index(op.f("ix__bank_statement__school_id_account_id_period_from"), table_name="bank_statement")
    op.drop_table("bank_statement")
    op.drop_table("settlement_lease")
    op.drop_table("school_year")
    op.drop_index(op.f("ix__roster_import__school_id_imported_at"), table_name="roster_import")
    op.drop_table("roster_import")
    op.drop_table("receiving_account")
    op.drop_index(op.f("ix__pupil__school_id_sort_key"), table_name="pupil")
    op.drop_index(op.f("ix__pupil__school_id_personal_id_index"), table_name="pupil")
    op.drop_table("pupil")
    op.drop_index("ix__outbox__school", table_name="outbox", postgresql_where="NOT dead")
    op.drop_index("ix__outbox__due", table_name="outbox", postgresql_where="NOT dead")
    op.drop_table("outbox")
    op.drop_index(op.f("ix__message__school_id_recipient_user_id"), table_name="message")
    op.drop_table("message")
    op.drop_table("ledger_import")
    op.drop_table("ledger_entry")
    op.drop_index("uq__evidence__statement_line", table_name="evidence", postgresql_where="source = 'statement'")
    op.drop_index(
        "uq__evidence__key", table_name="evidence", postgresql_where="connection_id IS NOT NULL AND NOT conflicting"
    )
    op.drop_index(
        "uq__evidence__conflict", table_name="evidence", postgresql_where="connection_id IS NOT NULL AND conflicting"
    )
    op.drop_index(op.f("ix__evidence__school_id_account_id_value_date"), table_name="evidence")
    op.drop_table("evidence")
    op.drop_index(op.f("ix__audit_event__subject_kind_subject_id"), table_name="audit_event")
    op.drop_index(op.f("ix__audit_event__school_id_at"), table_name="audit_event")
    op.drop_table("audit_event")
    op.drop_index(op.f("ix__approval__school_id_subject_kind_subject_id"), table_name="approval")
    op.drop_table("approval")
    op.drop_index(op.f("ix__user_session__user_id"), table_name="user_session")
    op.drop_table("user_session")
    op.drop_index(op.f("ix__user_grant__user_id"), table_name="user_grant")
    op.drop_table("user_grant")
    op.drop_table("throttle_count")
    op.drop_table("school")
    op.drop_index(op.f("ix__raw_callback__outcome_received_at"), table_name="raw_callback")
    op.drop_index(op.f("ix__raw_callback__connection_id_received_at"), table_name="raw_callback")
    op.drop_table("raw_callback")
    op.drop_table("organisation_parent")
    op.drop_index(op.f("ix__connection_secret__connection_id"), table_name="connection_secret")
    op.drop_table("connection_secret")
    op.drop_table("receipt_counter")
    op.drop_table("organisation")
    op.drop_table("night_summary")
    op.drop_table("night_run")
    op.drop_index(op.f("ix__login_attempt__remote_addr_at"), table_name="login_attempt")
    op.drop_table("login_attempt")
    op.drop_table("holiday")
    op.drop_table("fee_ceiling")
    op.drop_table("connection")
    op.drop_table("bank")
    op.drop_table("app_user")
