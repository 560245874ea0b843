"""A family's word about a voluntary line of its notice: it does not take part, or does after all."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "voluntary_choice",
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("declined", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__voluntary_choice__school_id__school")),
        sa.ForeignKeyConstraint(
            ["school_id", "line_id"],
            ["invoice_line.school_id", "invoice_line.id"],
            name=op.f("fk__voluntary_choice__school_id__invoice_line"),
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__voluntary_choice")),
        sa.UniqueConstraint("school_id", "line_id", name=op.f("uq__voluntary_choice__school_id_line_id")),
    )


def downgrade() -> None:
    op.drop_table("voluntary_choice")
