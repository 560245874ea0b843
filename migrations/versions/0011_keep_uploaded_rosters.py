"""Keep an uploaded roster, sealed, between the look at its report and the confirmation."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "roster_upload",
        sa.Column("uploaded_by", sa.BigInteger(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__roster_upload__school_id__school")),
        sa.ForeignKeyConstraint(
            ["uploaded_by"], ["app_user.id"], name=op.f("fk__roster_upload__uploaded_by__app_user")
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__roster_upload")),
    )
    op.create_index(op.f("ix__roster_upload__school_id_uploaded_by"), "roster_upload", ["school_id", "uploaded_by"])


def downgrade() -> None:
    op.drop_index(op.f("ix__roster_upload__school_id_uploaded_by"), table_name="roster_upload")
    op.drop_table("roster_upload")
