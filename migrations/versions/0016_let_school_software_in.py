"""Keys of school software, and the answers to requests that may be repeated."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_times", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("octet_length(key_hash) = 32", name=op.f("ck__api_key__sha256")),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck__api_key__dates")),
        sa.CheckConstraint("per_minute > 0", name=op.f("ck__api_key__some_requests")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__api_key__school_id__school")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk__api_key__user_id__app_user")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__api_key")),
        sa.UniqueConstraint("key_hash", name=op.f("uq__api_key__key_hash")),
    )
    op.create_table(
        "api_request",
        sa.Column("key_id", sa.BigInteger(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("request_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("executed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("octet_length(request_sha256) = 32", name=op.f("ck__api_request__sha256")),
        sa.ForeignKeyConstraint(
            ["school_id", "key_id"],
            ["api_key.school_id", "api_key.id"],
            name=op.f("fk__api_request__school_id_key_id__api_key"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__api_request__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__api_request")),
        sa.UniqueConstraint(
            "school_id", "key_id", "idempotency_key", name=op.f("uq__api_request__school_id_key_id_idempotency_key")
        ),
    )
    op.create_index(op.f("ix__api_request__school_id_executed_at"), "api_request", ["school_id", "executed_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix__api_request__school_id_executed_at"), table_name="api_request")
    op.drop_table("api_request")
    op.drop_table("api_key")
