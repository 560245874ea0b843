"""Each school's key for its receipts, and how it reads amounts aloud."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "receipt_key",
        sa.Column("private_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__receipt_key__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__receipt_key")),
    )
    op.create_index(
        "uq__receipt_key__current",
        "receipt_key",
        ["school_id"],
        unique=True,
        postgresql_where=sa.text("retired_at IS NULL"),
    )
    op.add_column(
        "school",
        sa.Column(
            "number_words",
            sa.Enum("north", "south", name="numberwords", native_enum=False, create_constraint=True, length=40),
            nullable=False,
            server_default="north",
        ),
    )
    op.alter_column("school", "number_words", server_default=None)


def downgrade() -> None:
    op.drop_column("school", "number_words")
    op.drop_table("receipt_key")
