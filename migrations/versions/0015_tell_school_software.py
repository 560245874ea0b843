"""Endpoints of school software, events for them, and what became of each delivery."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhook_endpoint",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("kinds", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "active",
                "paused",
                "disabled",
                "removed",
                name="endpointstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rest_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_problem", sa.Text(), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("cardinality(kinds) > 0", name=op.f("ck__webhook_endpoint__wants_something")),
        sa.ForeignKeyConstraint(
            ["created_by"], ["app_user.id"], name=op.f("fk__webhook_endpoint__created_by__app_user")
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__webhook_endpoint__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__webhook_endpoint")),
    )
    op.create_table(
        "webhook_event",
        sa.Column("event_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__webhook_event__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__webhook_event")),
        sa.UniqueConstraint("event_key", name=op.f("uq__webhook_event__event_key")),
    )
    op.create_index(
        op.f("ix__webhook_event__school_id_occurred_at"), "webhook_event", ["school_id", "occurred_at"], unique=False
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("endpoint_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "delivered",
                "dead",
                name="deliverystate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_token", sa.BigInteger(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "endpoint_id"],
            ["webhook_endpoint.school_id", "webhook_endpoint.id"],
            name=op.f("fk__webhook_delivery__school_id_endpoint_id__webhook_endpoint"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "event_id"],
            ["webhook_event.school_id", "webhook_event.id"],
            name=op.f("fk__webhook_delivery__school_id_event_id__webhook_event"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__webhook_delivery__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__webhook_delivery")),
        sa.UniqueConstraint(
            "school_id", "event_id", "endpoint_id", name=op.f("uq__webhook_delivery__school_id_event_id_endpoint_id")
        ),
    )
    op.create_index(
        "ix__webhook_delivery__due",
        "webhook_delivery",
        ["endpoint_id", "due_at"],
        unique=False,
        postgresql_where="state = 'waiting'",
    )
    op.create_index(
        "ix__webhook_delivery__leased",
        "webhook_delivery",
        ["endpoint_id"],
        unique=False,
        postgresql_where="state = 'waiting' AND leased_until IS NOT NULL",
    )
    op.create_index(
        op.f("ix__webhook_delivery__school_id_endpoint_id_state"),
        "webhook_delivery",
        ["school_id", "endpoint_id", "state"],
        unique=False,
    )
    op.create_table(
        "webhook_secret",
        sa.Column("endpoint_id", sa.BigInteger(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("scheme IN ('v1', 'v1a')", name=op.f("ck__webhook_secret__scheme")),
        sa.ForeignKeyConstraint(
            ["school_id", "endpoint_id"],
            ["webhook_endpoint.school_id", "webhook_endpoint.id"],
            name=op.f("fk__webhook_secret__school_id_endpoint_id__webhook_endpoint"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__webhook_secret__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__webhook_secret")),
    )
    op.create_index(
        op.f("ix__webhook_secret__school_id_endpoint_id"), "webhook_secret", ["school_id", "endpoint_id"], unique=False
    )
    op.create_table(
        "webhook_attempt",
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "delivery_id"],
            ["webhook_delivery.school_id", "webhook_delivery.id"],
            name=op.f("fk__webhook_attempt__school_id_delivery_id__webhook_delivery"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__webhook_attempt__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__webhook_attempt")),
    )
    op.create_index(
        op.f("ix__webhook_attempt__school_id_delivery_id"),
        "webhook_attempt",
        ["school_id", "delivery_id"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index(op.f("ix__webhook_attempt__school_id_delivery_id"), table_name="webhook_attempt")
    op.drop_table("webhook_attempt")
    op.drop_index(op.f("ix__webhook_secret__school_id_endpoint_id"), table_name="webhook_secret")
    op.drop_table("webhook_secret")
    op.drop_index(op.f("ix__webhook_delivery__school_id_endpoint_id_state"), table_name="webhook_delivery")
    op.drop_index(
        "ix__webhook_delivery__leased",
        table_name="webhook_delivery",
        postgresql_where="state = 'waiting' AND leased_until IS NOT NULL",
    )
    op.drop_index("ix__webhook_delivery__due", table_name="webhook_delivery", postgresql_where="state = 'waiting'")
    op.drop_table("webhook_delivery")
    op.drop_index(op.f("ix__webhook_event__school_id_occurred_at"), table_name="webhook_event")
    op.drop_table("webhook_event")
    op.drop_table("webhook_endpoint")
