"""Files that are looked at before they are written, layouts that schools confirm, books that do not vouch."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

KINDS = ("statement", "ledger")
STATES = ("reading", "mapping", "ready", "writing", "done", "refused", "dropped")


def kind_column() -> sa.Column:
    """What a file is."""
    kinds = sa.Enum(*KINDS, name="importkind", native_enum=False, create_constraint=True, length=40)
    return sa.Column("kind", kinds, nullable=False)


def upgrade() -> None:
    op.create_table(
        "import_job",
        kind_column(),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("file_bytes", sa.Integer(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("returned_sealed", sa.LargeBinary(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(*STATES, name="jobstate", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("done_rows", sa.Integer(), nullable=False),
        sa.Column("total_rows", sa.Integer(), nullable=False),
        sa.Column("phase_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("report", postgresql.JSONB(), nullable=False),
        sa.Column("problems", postgresql.JSONB(), nullable=False),
        sa.Column("bad_rows", sa.Integer(), nullable=False),
        sa.Column("plan_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "(kind = 'statement') = (account_id IS NOT NULL)", name=op.f("ck__import_job__account_of_statement")
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__import_job__school_id__school")),
        sa.ForeignKeyConstraint(
            ["school_id", "account_id"],
            ["receiving_account.school_id", "receiving_account.id"],
            name=op.f("fk__import_job__school_id_account_id__receiving_account"),
        ),
        sa.ForeignKeyConstraint(["created_by"], ["app_user.id"], name=op.f("fk__import_job__created_by__app_user")),
        sa.ForeignKeyConstraint(["confirmed_by"], ["app_user.id"], name=op.f("fk__import_job__confirmed_by__app_user")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__import_job")),
    )
    op.create_index(
        "ix__import_job__kept", "import_job", ["created_at"], postgresql_where=sa.text("content_sealed IS NOT NULL")
    )
    op.create_table(
        "import_layout",
        kind_column(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("definition", postgresql.JSONB(), nullable=False),
        sa.Column("confirmed_by", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__import_layout__school_id__school")),
        sa.ForeignKeyConstraint(
            ["confirmed_by"], ["app_user.id"], name=op.f("fk__import_layout__confirmed_by__app_user")
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__import_layout")),
        sa.UniqueConstraint(
            "school_id", "kind", "name", "version", name=op.f("uq__import_layout__school_id_kind_name_version")
        ),
    )
    op.create_index(
        "uq__import_layout__in_use",
        "import_layout",
        ["school_id", "kind", "name"],
        unique=True,
        postgresql_where=sa.text("retired_at IS NULL"),
    )
    op.add_column("ledger_import", sa.Column("vouches", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("ledger_import", sa.Column("waiting_rows", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("ledger_import", "waiting_rows")
    op.drop_column("ledger_import", "vouches")
    op.drop_table("import_layout")
    op.drop_table("import_job")
