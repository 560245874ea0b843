"""Keep evidence that cannot be attached where a person sees it, and find the neighbours of new evidence quickly."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NEIGHBOURS = "ix__bank_transaction__neighbours"


def upgrade() -> None:
    op.create_table(
        "held_evidence",
        sa.Column("evidence_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "ambiguous",
                "no_original",
                name="heldreason",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name=op.f("fk__held_evidence__evidence_id__evidence")
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__held_evidence__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__held_evidence")),
        sa.UniqueConstraint("evidence_id", name=op.f("uq__held_evidence__evidence_id")),
    )
    op.create_index(
        NEIGHBOURS, "bank_transaction", ["school_id", "account_id", "direction", "amount_vnd", "value_date"]
    )


def downgrade() -> None:
    op.drop_index(NEIGHBOURS, "bank_transaction")
    op.drop_table("held_evidence")
