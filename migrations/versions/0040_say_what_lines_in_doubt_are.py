"""Keep what a person said of lines that may be known ones worded otherwise, and under which keys lines are known."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("import_job", sa.Column("same_lines", sa.String(length=40), nullable=True))
    op.add_column(
        "import_job", sa.Column("other_lines", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False)
    )
    op.alter_column("import_job", "other_lines", server_default=None)
    op.create_check_constraint("samelines", "import_job", "same_lines IN ('known', 'new')")
    op.create_table(
        "bank_line_alias",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("natural_key", sa.Text(), nullable=False),
        sa.Column("line_key", sa.Text(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "account_id", "line_key"],
            ["bank_line.school_id", "bank_line.account_id", "bank_line.natural_key"],
            name=op.f("fk__bank_line_alias__bank_line"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__bank_line_alias__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__bank_line_alias")),
        sa.UniqueConstraint(
            "school_id", "account_id", "natural_key", name=op.f("uq__bank_line_alias__school_id_account_id_natural_key")
        ),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON bank_line_alias "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER no_truncate BEFORE TRUNCATE ON bank_line_alias "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("bank_line_alias")
    op.drop_column("import_job", "other_lines")
    op.drop_column("import_job", "same_lines")
