"""What a payer tells of a transfer by the bank's number, and a school's switch for links into banks' apps."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("school", sa.Column("bank_apps", sa.Boolean(), server_default="false", nullable=False))
    op.create_table(
        "payer_claim",
        sa.Column("pupil_id", sa.BigInteger(), nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=True),
        sa.Column("bank_reference", sa.Text(), nullable=False),
        sa.Column("bank_number", sa.Text(), sa.Computed("ltrim(bank_reference, '0')", persisted=True), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        sa.Column("closing_note", sa.Text(), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "bank_reference ~ '^[0-9A-Z]{6,35}$' AND bank_number <> ''", name=op.f("ck__payer_claim__reference_shape")
        ),
        sa.CheckConstraint("amount_vnd > 0", name=op.f("ck__payer_claim__amount_positive")),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closed_by IS NULL) AND (closed_at IS NULL) = (closing_note IS NULL)",
            name=op.f("ck__payer_claim__closed_by_somebody"),
        ),
        sa.ForeignKeyConstraint(["closed_by"], ["app_user.id"], name=op.f("fk__payer_claim__closed_by__app_user")),
        sa.ForeignKeyConstraint(
            ["school_id", "invoice_id"],
            ["invoice.school_id", "invoice.id"],
            name=op.f("fk__payer_claim__school_id_invoice_id__invoice"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "pupil_id"],
            ["pupil.school_id", "pupil.id"],
            name=op.f("fk__payer_claim__school_id_pupil_id__pupil"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__payer_claim__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__payer_claim")),
        sa.UniqueConstraint(
            "school_id", "pupil_id", "bank_number", name=op.f("uq__payer_claim__school_id_pupil_id_bank_number")
        ),
    )
    op.create_index("ix__payer_claim__number", "payer_claim", ["school_id", "bank_number"])
    op.create_index(
        "ix__payer_claim__open",
        "payer_claim",
        ["school_id", "claimed_at"],
        postgresql_where=sa.text("closed_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("payer_claim")
    op.drop_column("school", "bank_apps")
