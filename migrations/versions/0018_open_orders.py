"""Open orders at payment services."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

LIVE = "state IN ('opening', 'open')"


def upgrade() -> None:
    op.add_column("channel", sa.Column("connection_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk__channel__connection_id__connection"), "channel", "connection", ["connection_id"], ["id"]
    )
    op.create_table(
        "payment_order",
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("order_ref", sa.Text(), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("fee_vnd", sa.BigInteger(), nullable=False),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "opening",
                "open",
                "paid",
                "expired",
                "cancelled",
                "failed",
                name="orderstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("checkout_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("provider_order_id", sa.Text(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("amount_vnd > 0 AND fee_vnd >= 0", name=op.f("ck__payment_order__amounts")),
        sa.CheckConstraint(
            "(state IN ('opening', 'open')) = (closed_at IS NULL)", name=op.f("ck__payment_order__closed")
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "invoice_id"],
            ["invoice.school_id", "invoice.id"],
            name=op.f("fk__payment_order__school_id_invoice_id__invoice"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "account_id"],
            ["receiving_account.school_id", "receiving_account.id"],
            name=op.f("fk__payment_order__school_id_account_id__receiving_account"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "channel_id"],
            ["channel.school_id", "channel.id"],
            name=op.f("fk__payment_order__school_id_channel_id__channel"),
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk__payment_order__connection_id__connection")
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__payment_order__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__payment_order")),
        sa.UniqueConstraint("connection_id", "order_ref", name=op.f("uq__payment_order__connection_id_order_ref")),
    )
    op.create_index(
        "uq__payment_order__live",
        "payment_order",
        ["school_id", "invoice_id"],
        unique=True,
        postgresql_where=LIVE,
    )
    op.create_index("ix__payment_order__expiring", "payment_order", ["expires_at"], postgresql_where=LIVE)
    op.create_index(
        op.f("ix__payment_order__school_id_invoice_id_created_at"),
        "payment_order",
        ["school_id", "invoice_id", "created_at"],
    )


def downgrade() -> None:
    op.drop_table("payment_order")
    op.drop_constraint(op.f("fk__channel__connection_id__connection"), "channel")
    op.drop_column("channel", "connection_id")
