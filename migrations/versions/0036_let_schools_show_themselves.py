"""What a school shows everybody: how it is reached, which rounds are published, and their figures as they stand.

Figures are kept rounded, never exact: the page can tell no more than the table holds.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "public_contact",
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("hours", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "length(phone) <= 30 AND length(email) <= 120 AND length(hours) <= 160",
            name=op.f("ck__public_contact__short"),
        ),
        sa.ForeignKeyConstraint(["changed_by"], ["app_user.id"], name=op.f("fk__public_contact__changed_by__app_user")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__public_contact__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", name=op.f("pk__public_contact")),
    )
    op.create_table(
        "public_round",
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["changed_by"], ["app_user.id"], name=op.f("fk__public_round__changed_by__app_user")),
        sa.ForeignKeyConstraint(
            ["school_id", "round_id"],
            ["collection_round.school_id", "collection_round.id"],
            name=op.f("fk__public_round__school_id_round_id__collection_round"),
        ),
        sa.PrimaryKeyConstraint("school_id", "round_id", name=op.f("pk__public_round")),
    )
    op.create_table(
        "public_figure",
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("fee_item_id", sa.BigInteger(), nullable=False),
        sa.Column("counted_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("grain_vnd", sa.BigInteger(), nullable=False),
        sa.Column("billed_vnd", sa.BigInteger(), nullable=True),
        sa.Column("collected_vnd", sa.BigInteger(), nullable=True),
        sa.Column("prices_vnd", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.CheckConstraint("billed_vnd > 0 AND collected_vnd > 0", name=op.f("ck__public_figure__positive")),
        sa.CheckConstraint(
            "billed_vnd % grain_vnd = 0 AND collected_vnd % grain_vnd = 0", name=op.f("ck__public_figure__rounded")
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "fee_item_id"],
            ["fee_item.school_id", "fee_item.id"],
            name=op.f("fk__public_figure__school_id_fee_item_id__fee_item"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "round_id"],
            ["public_round.school_id", "public_round.round_id"],
            name=op.f("fk__public_figure__school_id_round_id__public_round"),
        ),
        sa.PrimaryKeyConstraint("school_id", "round_id", "fee_item_id", name=op.f("pk__public_figure")),
    )


def downgrade() -> None:
    op.drop_table("public_figure")
    op.drop_table("public_round")
    op.drop_table("public_contact")
