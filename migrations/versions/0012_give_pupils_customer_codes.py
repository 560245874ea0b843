"""A customer code for every pupil, for banks that ask for bills."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payer_code",
        sa.Column("pupil_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "pupil_id"],
            ["pupil.school_id", "pupil.id"],
            name=op.f("fk__payer_code__school_id_pupil_id__pupil"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__payer_code__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__payer_code")),
        sa.UniqueConstraint("code", name=op.f("uq__payer_code__code")),
        sa.UniqueConstraint("school_id", "pupil_id", name=op.f("uq__payer_code__school_id_pupil_id")),
    )


def downgrade() -> None:
    op.drop_table("payer_code")
